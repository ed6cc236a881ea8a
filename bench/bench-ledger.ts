// What the transfer benchmarks run on: fintechs with tokens and funded accounts, made through the program's own use cases.

import pg from "pg";
import type { AccountId } from "../server/src/ledger/account.ts";
import { systemClock } from "../server/src/platform/clock.ts";
import type { Database } from "../server/src/platform/database/database.ts";
import { systemRandom } from "../server/src/platform/random.ts";
import {
  arrangeBook,
  arrangeHolder,
  type TestBook,
  transferOf,
} from "../server/src/testing/ledger-fixture.ts";
import { testKeys } from "../server/src/testing/test-keys.ts";
import { createTransferBatcher } from "../server/src/transfers/batcher.ts";
import { createTransfer } from "../server/src/transfers/create-transfer.ts";

export interface BenchTenant {
  readonly book: TestBook;
  readonly funding: AccountId;
  readonly customers: readonly AccountId[];
}

/** Each fintech with a token, a funding account and `customersEach` customer accounts that have money. */
export async function arrangeTenants(
  { db, ownerUrl }: { readonly db: Database; readonly ownerUrl: string },
  { tenants, customersEach }: { readonly tenants: number; readonly customersEach: number },
): Promise<BenchTenant[]> {
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  const batcher = createTransferBatcher({ db, clock: systemClock, keys: testKeys });
  const made: BenchTenant[] = [];
  for (let at = 0; at < tenants; at += 1) {
    const book = await arrangeBook({ db, owner });
    const funding = await book.fund(1_000_000_000_000n);
    const holderId = await arrangeHolder(owner, book.tenant);
    const customers: AccountId[] = [];
    while (customers.length < customersEach) customers.push((await book.open({ holderId })).accountId);
    await Promise.all(
      customers.map((creditAccountId) =>
        createTransfer(
          { batcher, random: systemRandom },
          book.token.principal,
          transferOf({ debitAccountId: funding, creditAccountId, amountMinor: 10_000_000n }),
        ),
      ),
    );
    made.push({ book, funding, customers });
  }
  await owner.end();
  return made;
}
