import type pg from "pg";
import { expect } from "vitest";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import { systemClock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { systemRandom } from "../platform/random.ts";
import { createTransferBatcher, type TransferBatcher } from "../transfers/batcher.ts";
import { type CreateTransferInput, createTransfer } from "../transfers/create-transfer.ts";
import { type TestBook, transferOf } from "./ledger-fixture.ts";
import { testKeys } from "./test-keys.ts";

type BatcherDatabase = Pick<Database, "connect" | "noteFailure">;

export const batcherOn = (
  db: BatcherDatabase,
  options?: Parameters<typeof createTransferBatcher>[1],
): TransferBatcher => createTransferBatcher({ db, clock: systemClock, keys: testKeys }, options);

/** The call's transfer id, or the code of its refusal. */
export function outcomeOf(
  batcher: TransferBatcher,
  book: TestBook,
  input: CreateTransferInput,
): Promise<string> {
  return createTransfer({ batcher, random: systemRandom }, book.token.principal, input).then(
    transferIdOf,
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
}

export const isMade = expect.stringMatching(/^\d{17}_\d+_/);

/** Two accounts of the book, the first with this much in it. */
export async function pairOf(book: TestBook, balanceMinor = 1_000n): Promise<CreateTransferInput> {
  return transferOf({
    debitAccountId: await book.fund(balanceMinor),
    creditAccountId: (await book.open()).accountId,
  });
}

/** The database, recording the messages that it is sent, and broken as `sabotage` likes. */
export function spiedOn(
  db: BatcherDatabase,
  sabotage: (text: string, client: pg.PoolClient) => Promise<void> | undefined = () => undefined,
): { db: BatcherDatabase; messages: string[] } {
  const messages: string[] = [];
  return {
    messages,
    db: {
      noteFailure: () => undefined,
      async connect() {
        const client = await db.connect();
        return new Proxy(client, {
          get(target, name) {
            if (name !== "query") {
              const value = Reflect.get(target, name);
              return typeof value === "function" ? value.bind(target) : value;
            }
            return async (message: string | pg.QueryConfig) => {
              const text = typeof message === "string" ? message : message.text;
              messages.push(text);
              await sabotage(text, target);
              return target.query(message);
            };
          },
        });
      },
    },
  };
}

/** Records that the book's token is revoked, without waiting for anybody. */
export async function revokeTokenOf(owner: pg.Pool, book: TestBook): Promise<void> {
  await owner.query(
    `UPDATE token SET revoked_at = now(), revoked_by_kind = 'user', revoked_by = 'usr_x', revoked_by_name = 'x', revoke_reason = 'compromised'
     WHERE token_id = $1`,
    [book.token.tokenId],
  );
}
