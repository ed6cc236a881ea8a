import type { Clock } from "../clock.ts";
import type { Database, Transaction } from "../database/database.ts";
import { newId } from "../ids.ts";
import { addJob, type RoomJobs } from "../jobs/jobs.ts";
import type { Log } from "../log.ts";
import type { Random } from "../random.ts";
import { AddressRejected, type Messenger } from "./message.ts";

/** A message that may be stored: never a code, a password or a token. */
export interface QueuedMessage {
  readonly channel: "sms" | "email";
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly smsTemplate?: string;
  /** Identifies a message that may be queued twice: it is sent once. */
  readonly messageId?: string;
}

const deliverTask = "message-deliver";

/** Queues a message in the caller's transaction: it is sent if and when that has committed. */
export async function queueMessage(
  tx: Transaction,
  { clock, random }: { clock: Clock; random: Random },
  message: QueuedMessage,
): Promise<void> {
  const messageId = message.messageId ?? newId<string>(random, "msg");
  await tx.query(
    `INSERT INTO outgoing_message (message_id, channel, address, subject, text, sms_template, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT DO NOTHING`,
    [
      messageId,
      message.channel,
      message.to,
      message.subject,
      message.text,
      message.smsTemplate ?? null,
      clock.now(),
    ],
  );
  await addJob(tx, deliverTask, { messageId }, { attemptsMax: 12, key: `${deliverTask}/${messageId}` });
}

/** How many messages were queued since then under ids with this prefix. */
export async function countQueued(
  tx: Transaction,
  { idPrefix, since }: { readonly idPrefix: string; readonly since: Date },
): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM outgoing_message WHERE created_at >= $1 AND starts_with(message_id, $2)",
    [since, idPrefix],
  );
  return row?.count ?? 0;
}

/** Sends what {@link queueMessage} queued, and forgets it a week later. */
export function messageJobs(deps: {
  readonly db: Database;
  readonly clock: Clock;
  readonly messenger: Messenger;
  readonly log: Log;
}): RoomJobs {
  return {
    tasks: {
      [deliverTask]: async (payload) => {
        const { messageId } = payload as { messageId?: unknown };
        if (typeof messageId === "string") await deliverMessage(deps, messageId);
      },
      "message-forget": async () => {
        await deps.db.transaction({ kind: "system" }, (tx) =>
          tx.query("DELETE FROM outgoing_message WHERE created_at < $1::timestamptz - interval '7 days'", [
            deps.clock.now(),
          ]),
        );
      },
    },
    cron: [{ task: "message-forget", schedule: "40 20 * * *" }],
    outside: [deliverTask],
  };
}

/**
 * Sends one message unless it was already sent or is useless. May run twice: a repeat, possible when the provider's answer was lost,
 * carries the same Message-ID. Throws when the provider could not take it, so that the job is retried.
 */
export async function deliverMessage(
  { db, clock, messenger, log }: { db: Database; clock: Clock; messenger: Messenger; log: Log },
  messageId: string,
): Promise<void> {
  const [message] = await db.transaction({ kind: "system" }, (tx) =>
    tx.query<{
      channel: "sms" | "email";
      address: string;
      subject: string;
      text: string;
      sms_template: string | null;
    }>(
      `UPDATE outgoing_message SET attempts = attempts + 1
     WHERE message_id = $1 AND sent_at IS NULL AND rejected_at IS NULL
     RETURNING channel, address, subject, text, sms_template`,
      [messageId],
    ),
  );
  if (!message) return;
  let answer: string;
  let column: "sent_at" | "rejected_at" = "sent_at";
  try {
    answer = await messenger.send({
      channel: message.channel,
      to: message.address,
      subject: message.subject,
      text: message.text,
      messageId,
      ...(message.sms_template === null ? {} : { smsTemplate: message.sms_template }),
    });
  } catch (error) {
    if (!(error instanceof AddressRejected)) throw error;
    answer = error.message;
    column = "rejected_at";
    log.warn({ messageId, channel: message.channel }, "a provider rejected the address of a message");
  }
  await db.transaction({ kind: "system" }, (tx) =>
    tx.query(`UPDATE outgoing_message SET ${column} = $2, answer = $3 WHERE message_id = $1`, [
      messageId,
      clock.now(),
      answer.slice(0, 300),
    ]),
  );
}
