import type { Clock } from "../clock.ts";
import { type Database, systemScope } from "../database/database.ts";
import type { Keys } from "../keys.ts";
import type { Message, Messenger } from "./message.ts";

/** A message as the inbox shows it. */
export interface KeptMessage {
  readonly at: string;
  readonly channel: Message["channel"];
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly headers?: Message["headers"];
}

export interface Inbox extends Messenger {
  /** Newest first. */
  list(): Promise<readonly KeptMessage[]>;
}

const keyPurpose = "development-message";

/**
 * Keeps the last messages instead of sending them. For development only: it shows one-time codes to anybody. Messages are in the database,
 * so that each process shows what any of them sent, and encrypted there, so that it holds no readable code.
 */
export function createInbox({
  db,
  clock,
  keys,
  keptMax = 500,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly keys: Pick<Keys, "seal" | "open">;
  readonly keptMax?: number;
}): Inbox {
  return {
    async send({ channel, to, subject, text, headers }) {
      const message: KeptMessage = {
        at: clock.now().toISOString(),
        channel,
        to,
        subject,
        text,
        ...(headers && { headers }),
      };
      await db.transaction(systemScope, async (tx) => {
        await tx.query("INSERT INTO development_message (sealed) VALUES ($1)", [
          keys.seal(keyPurpose, JSON.stringify(message), keyPurpose),
        ]);
        await tx.query(
          `DELETE FROM development_message
           WHERE number <= (SELECT number FROM development_message ORDER BY number DESC OFFSET $1 LIMIT 1)`,
          [keptMax],
        );
      });
      return "kept in the development inbox";
    },
    async list() {
      const rows = await db
        .reader(systemScope)
        .query<{ sealed: Buffer }>("SELECT sealed FROM development_message ORDER BY number DESC LIMIT $1", [
          keptMax,
        ]);
      return rows.map(({ sealed }) => JSON.parse(keys.open(keyPurpose, sealed, keyPurpose)) as KeptMessage);
    },
  };
}
