import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import { listTransfersByNumber } from "../ledger/transfers-by-number.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, type Queryable, systemScope } from "../platform/database/database.ts";
import { isRefusedForGood, writeInHalves } from "../platform/database/in-halves.ts";
import type { Random } from "../platform/random.ts";
import {
  deleteUnwantedRows,
  insertEvents,
  type NewEvent,
  type OutboxRow,
  planByIndexes,
  takeOutboxRows,
  takeTheseRows,
} from "./event-store.ts";
import { keptMs } from "./retry-schedule.ts";
import { eventBody, newEventId, transferContent } from "./webhook-event.ts";

/** Rows per transaction. A row names what one statement did for one tenant: some transfers when the ledger is busy, 256 at most. */
const rowsAtOnce = 64;
/**
 * How many due deliveries an endpoint may have before nothing more is written out for it: more than it can be told in the half second
 * before the next look.
 */
const dueMaxByDefault = 1_000;

export interface PublishDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  /** An origin without a trailing slash. */
  readonly publicUrl: string;
  /** Tests make these smaller. */
  readonly dueMax?: number;
  readonly publishMs?: number;
}

/** Rows of the outbox that the database permanently refuses as events, and what to do with a further one. */
export interface RefusedRows {
  readonly ids: ReadonlySet<string>;
  leaveOut(row: OutboxRow, error: unknown): void;
}

const allOrNothing: RefusedRows = {
  ids: new Set(),
  leaveOut: (_, error) => {
    throw error;
  },
};

/**
 * Turns the oldest rows of the outbox into events with their deliveries, in one transaction: both or neither, so that an event has one id
 * for ever. Leaves rows whose endpoints still have enough deliveries due. Rows that are permanently refused stay and hold up no other. May
 * run in several processes at once. Returns whether there were any.
 */
export async function publishEvents(
  deps: PublishDeps,
  refused: RefusedRows = allOrNothing,
): Promise<boolean> {
  let rows: OutboxRow[] = [];
  try {
    await deps.db.transaction(systemScope, async (tx) => {
      await planByIndexes(tx);
      rows = await takeOutboxRows(tx, {
        limit: rowsAtOnce,
        dueMax: deps.dueMax ?? dueMaxByDefault,
        now: deps.clock.now(),
        except: [...refused.ids],
      });
      await publishRows(deps, tx, rows);
    });
  } catch (error) {
    if (!isRefusedForGood(error)) throw error;
    const publish = (some: readonly OutboxRow[]): Promise<void> =>
      deps.db.transaction(systemScope, async (tx) => {
        await planByIndexes(tx);
        await publishRows(deps, tx, await takeTheseRows(tx, some));
      });
    await writeInHalves(rows, publish, refused.leaveOut);
  }
  return rows.length > 0;
}

/** Turns the rows that this transaction took into events. */
async function publishRows(deps: PublishDeps, tx: Queryable, rows: readonly OutboxRow[]): Promise<void> {
  const now = deps.clock.now();
  const transfers = await listTransfersByNumber(
    tx,
    rows.map(({ tenant, transferNumbers }) => ({ tenant, numbers: transferNumbers ?? [] })),
  );
  const events = rows.flatMap((row, at) => eventsOf(deps, row, transfers[at] ?? [], now));
  await insertEvents(tx, events, now);
}

/**
 * Deletes outbox rows that nobody is to hear of: those of endpoints that were deleted meanwhile, and those that wait for a disabled or
 * suspended endpoint and happened longer ago than events are kept. May run in several processes at once. Returns whether there were any;
 * there may be more.
 */
export async function forgetUnwanted({ db, clock }: Pick<PublishDeps, "db" | "clock">): Promise<boolean> {
  const since = new Date(clock.now().getTime() - keptMs);
  return db.transaction(systemScope, async (tx) => {
    await planByIndexes(tx);
    return deleteUnwantedRows(tx, since);
  });
}

function eventsOf(
  { random, publicUrl }: PublishDeps,
  { tenant, name, content, occurredAt }: OutboxRow,
  transfers: readonly PostedTransfer[],
  now: Date,
): NewEvent[] {
  const told =
    content === null
      ? transfers.map((transfer) => ({
          content: transferContent(tenant.ifiId, transfer),
          occurredAt: transfer.postedAt,
        }))
      : [{ content, occurredAt }];
  return told.map((one) => {
    const eventId = newEventId(random, now);
    const body = eventBody({ eventId, name, tenant, instance: publicUrl, ...one });
    const applicationId = one.content.applicationId ?? null;
    return { tenant, applicationId, eventId, name, body, occurredAt: one.occurredAt };
  });
}
