// What the transfer benchmarks run on: fintechs with tokens and funded accounts, made by the program's own use cases.

import { randomUUID } from "node:crypto";
import pg from "pg";
import type { AccountId } from "../server/src/ledger/account.ts";
import { systemClock } from "../server/src/platform/clock.ts";
import type { Database } from "../server/src/platform/database/database.ts";
import { newId } from "../server/src/platform/ids.ts";
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
import { insertEndpoint } from "../server/src/webhooks/endpoint-store.ts";

export interface BenchTenant {
  readonly book: TestBook;
  readonly funding: AccountId;
  readonly customers: readonly AccountId[];
}

/**
 * Makes fintechs, each with a token, a funding account and `customersEach` customer accounts that have money. `limited` sets limits that no
 * transfer reaches; `listening` adds a webhook endpoint that wants every transfer.
 */
export async function arrangeTenants(
  { db, ownerUrl }: { readonly db: Database; readonly ownerUrl: string },
  {
    tenants,
    customersEach,
    limited = false,
    listening = false,
  }: {
    readonly tenants: number;
    readonly customersEach: number;
    readonly limited?: boolean;
    readonly listening?: boolean;
  },
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
    if (limited) await limitCustomers(owner, book);
    if (listening) await listen(db, book);
    made.push({ book, funding, customers });
  }
  await owner.end();
  return made;
}

/** Moves all customers' accounts to a product that counts by day and by month, as a bank's does. */
async function limitCustomers(owner: pg.Pool, { tenant }: TestBook): Promise<void> {
  const key = [tenant.ifiId, tenant.environment, tenant.fintechId];
  const [bundleId, productId] = [randomUUID(), "1000000000000000001"];
  const rules = {
    limits: [
      { period: "TRANSACTION", direction: "DEBIT", maximumAmount: 10_000_000 },
      { period: "DAY", direction: "DEBIT", maximumAmount: 1e12, maximumCount: 1e9 },
      { period: "MONTH", direction: "DEBIT", maximumAmount: 1e12, maximumCount: 1e9 },
    ],
    maximumBalance: 1e12,
  };
  await owner.query(
    `INSERT INTO bundle (ifi_id, environment, fintech_id, bundle_id, name, short_code, created_at, updated_at)
     VALUES ($1, $2, $3, $4, 'Bench', 'bench', now(), now())`,
    [...key, bundleId],
  );
  await owner.query(
    `INSERT INTO account_product (ifi_id, environment, fintech_id, bundle_id, account_product_id, position, product_name, product_id, rules)
     VALUES ($1, $2, $3, $4, $5, 0, 'Bench', $6, $7)`,
    [...key, bundleId, randomUUID(), productId, rules],
  );
  await owner.query(
    `UPDATE account SET bundle_id = $4, product_id = $5
     WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND kind = 'customer'`,
    [...key, bundleId, productId],
  );
}

/** Adds an endpoint at which nothing answers: events are noted, published and tried, and each attempt fails at once. */
async function listen(db: Database, { tenant, token }: TestBook): Promise<void> {
  await db.transaction({ kind: "tenants", tenants: [tenant] }, (tx) =>
    insertEndpoint(tx, {
      endpointId: newId(systemRandom, "whk"),
      tenant,
      applicationId: token.principal.applicationId,
      url: "https://127.0.0.1:9/events",
      events: ["TRANSFER_CREATED"],
      secret: Buffer.from("never opened"),
      createdAt: new Date(),
      createdByName: "bench",
    }),
  );
}
