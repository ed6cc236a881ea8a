import type { UserPrincipal } from "../access/principal.ts";
import type { AccountId } from "../ledger/account.ts";
import { systemClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";
import { type CreateTransferInput, createTransfer } from "../transfers/create-transfer.ts";
import { listDeliveries } from "../webhooks/deliveries.ts";
import { arrangeUser } from "./fixtures.ts";
import { arrangeBook, type TestBook, transferOf } from "./ledger-fixture.ts";
import type { TestDatabase } from "./test-database.ts";
import { testKeys } from "./test-keys.ts";
import { arrangeWebhooks, type TestWebhooks } from "./webhook-fixture.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

export interface TestTelling {
  readonly webhooks: TestWebhooks;
  readonly book: TestBook;
  readonly admin: UserPrincipal & { readonly email: string };
  readonly application: ApplicationId;
  /** The account that has money. */
  readonly from: AccountId;
  readonly to: AccountId;
  /** Receives webhooks until the end. */
  receiver(): Promise<WebhookReceiver>;
  /** Pays from the first account to the second. */
  pay(input?: Partial<CreateTransferInput>): Promise<unknown>;
  deliveriesOf(endpointId: string): ReturnType<typeof listDeliveries>;
  /** Stops: no more deliveries are made, nor are any due. */
  end(): Promise<void>;
}

/** A fintech that moves money, and the parts that tell its endpoints of it. */
export async function arrangeTelling(database: TestDatabase): Promise<TestTelling> {
  const webhooks = arrangeWebhooks(database);
  const batcher = createTransferBatcher({ db: database.db, clock: systemClock, keys: testKeys });
  const book = await arrangeBook(database);
  const admin = await arrangeUser(database.owner, book.fintech, "fintech_admin");
  const from = await book.fund(1_000_000n);
  const to = (await book.open()).accountId;
  const receivers: WebhookReceiver[] = [];
  return {
    webhooks,
    book,
    admin,
    application: book.token.principal.applicationId,
    from,
    to,
    async receiver() {
      const started = await startWebhookReceiver();
      receivers.push(started);
      return started;
    },
    pay: (input = {}) =>
      createTransfer(
        { batcher, random: systemRandom },
        book.token.principal,
        transferOf({ debitAccountId: from, creditAccountId: to, ...input }),
      ),
    deliveriesOf: (endpointId) =>
      listDeliveries(webhooks.deps, admin, endpointId, { filter: "all", after: null, limit: 50 }),
    async end() {
      await webhooks.publisher.stop();
      for (const receiver of receivers) await receiver.close();
      await database.owner.query("UPDATE webhook_delivery SET next_at = NULL");
    },
  };
}
