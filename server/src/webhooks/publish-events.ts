import { listTransfersByNumber } from "../ledger/transfers-by-number.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import { newId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { insertEvents, type NewEvent, type OutboxRow, takeOutboxRows } from "./event-store.ts";
import { eventBody, transferContent } from "./webhook-event.ts";

/** A row may name 256 transfers, so that one transaction makes some thousand events at most. */
const rowsAtOnce = 16;

export interface PublishDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  /** An origin without a slash at its end. */
  readonly publicUrl: string;
}

/**
 * Turns the oldest rows of the outbox into events with their deliveries, in one transaction: both or neither, so that an event has one id
 * for ever. May run in several processes at once. Answers whether there may be more.
 */
export async function publishEvents(deps: PublishDeps): Promise<boolean> {
  return deps.db.transaction(systemScope, async (tx) => {
    const rows = await takeOutboxRows(tx, rowsAtOnce);
    const events: NewEvent[] = [];
    for (const row of rows) events.push(...(await eventsOf(deps, tx, row)));
    await insertEvents(tx, events, deps.clock.now());
    return rows.length === rowsAtOnce;
  });
}

async function eventsOf(deps: PublishDeps, tx: Transaction, row: OutboxRow): Promise<NewEvent[]> {
  const { tenant, name } = row;
  const told =
    row.content === null
      ? (await listTransfersByNumber(tx, tenant, row.transferNumbers ?? [])).map((transfer) => ({
          content: transferContent(tenant.ifiId, transfer),
          occurredAt: transfer.postedAt,
        }))
      : [{ content: row.content, occurredAt: row.occurredAt }];
  return told.map(({ content, occurredAt }) => {
    const eventId = newId<string>(deps.random, "evt");
    return {
      tenant,
      eventId,
      name,
      body: eventBody({ eventId, name, content, tenant, occurredAt, instance: deps.publicUrl }),
    };
  });
}
