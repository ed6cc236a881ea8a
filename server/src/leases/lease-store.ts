import type pg from "pg";
import { type Notice, tellsOfCancelledWait } from "../platform/database/commit.ts";
import type { Queryable, Transaction } from "../platform/database/database.ts";
import { prepared } from "../platform/database/prepared.ts";
import type { Subject } from "./subject.ts";

// All SQL on nodes, the epoch and narrowings, private to the room.

/** What had been committed, as of one snapshot. */
export interface News {
  readonly epoch: number;
  /** What the node that asks has acknowledged; undefined when it has no row. */
  readonly own: number | undefined;
  /** Above the epoch that was asked for; `too many` to be read within a lease. */
  readonly narrowings:
    | readonly { readonly epoch: number; readonly subjects: readonly Subject[] }[]
    | "too many";
}

/** With the news of a snapshot younger than its own commit. */
export interface Renewal extends News {
  /** Whether the node still has its row. Without it nothing else is said. */
  readonly known: boolean;
  /** The database's time, in milliseconds, at some moment of the renewal. */
  readonly databaseMs: number;
}

/** PostgreSQL committed on its own disk only: someone cancelled the wait for the standby. Whether it lasts is not known. */
class CommitUnconfirmed extends Error {
  constructor() {
    super("The wait for the synchronous standby was cancelled, so a commit is not confirmed.");
  }
}

/** What a node asks of the database; the only door, so that a model can stand in for it. */
export interface LeaseStore {
  /**
   * Adds the node's row, under an id that was never registered, in the place of its last. A registration that was given up may arrive later:
   * then it vouches for nobody.
   */
  register(node: {
    readonly nodeId: string;
    readonly name: string;
    /** Empty: of none. */
    readonly insteadOf: string;
  }): Promise<void>;
  /**
   * Commits a renewal of the node's row, and only then, in a younger snapshot, reads the narrowings above `since`. The order is what
   * the protocol stands on. On a server that was promoted, epochs begin anew from then on ({@link timelineOf}).
   */
  renew(nodeId: string, since: number): Promise<Renewal>;
  /** Reads the narrowings above `since`, for a node, and commits nothing. */
  readNews(nodeId: string, since: number): Promise<News>;
  /**
   * Says that the node has forgotten what narrowings up to `epoch` concern; false when it has lost its row. Others see it at once, but a server that crashes
   * may lose it: that makes nobody believe what is not so.
   */
  acknowledge(nodeId: string, epoch: number): Promise<boolean>;
  /** All nodes, with how often each was renewed. */
  listNodes(): Promise<readonly { readonly nodeId: string; readonly renewals: number }[]>;
  /** Removes a node that was not renewed since it was seen with so many renewals. */
  removeNode(nodeId: string, renewals: number): Promise<void>;
  /** Removes the node's own row, when it answers nothing any more. */
  leave(nodeId: string): Promise<void>;
  /** Removes the narrowings that every node has acknowledged. */
  pruneNarrowings(): Promise<void>;
}

/** On a connection of the node's own, so that renewals never wait for others' work. */
export function createLeaseStore(client: pg.Client): LeaseStore {
  // One message of several statements, each BEGIN and COMMIT taken literally: one round trip, and two snapshots.
  const send = async (text: string): Promise<pg.QueryResult[]> => {
    let cancelledWait = false;
    const onNotice = (notice: Notice): void => {
      if (tellsOfCancelledWait(notice)) cancelledWait = true;
    };
    client.on("notice", onNotice);
    try {
      const answer = (await client.query(text)) as unknown as pg.QueryResult | pg.QueryResult[];
      if (cancelledWait) throw new CommitUnconfirmed();
      return [answer].flat();
    } finally {
      client.off("notice", onNotice);
    }
  };
  const literal = (text: string): string => client.escapeLiteral(text);

  return {
    async register({ nodeId, name, insteadOf }) {
      await send(
        `DELETE FROM node WHERE node_id = ${literal(insteadOf)};
         INSERT INTO node (node_id, name, started_at, renewed_at, acknowledged_epoch)
         SELECT ${literal(nodeId)}, ${literal(name.slice(0, 200))}, database_now(), database_now(), epoch FROM narrowing_clock`,
      );
    },
    async renew(nodeId, since) {
      const results = await send(
        `BEGIN;
         UPDATE node SET renewed_at = database_now(), renewals = renewals + 1 WHERE node_id = ${literal(nodeId)}
           RETURNING (extract(epoch FROM renewed_at) * 1000)::float8 AS database_ms;
         SELECT enter_timeline();
         COMMIT;
         ${selectNews(literal(nodeId), String(Math.trunc(since)))}`,
      );
      const [renewed] = (results[1]?.rows ?? []) as { database_ms: number }[];
      return {
        known: renewed !== undefined,
        databaseMs: renewed?.database_ms ?? 0,
        ...toNews(results[4]),
      };
    },
    async readNews(nodeId, since) {
      return toNews(await client.query({ ...prepared(selectNews("$1", "$2")), values: [nodeId, since] }));
    },
    async acknowledge(nodeId, epoch) {
      // Waits for no disk and no standby: whoever revokes waits for it, and a renewal, which does wait, follows within half a second.
      const [, , updated] = await send(
        `BEGIN;
         SET LOCAL synchronous_commit = off;
         UPDATE node SET acknowledged_epoch = ${Math.trunc(epoch)} WHERE node_id = ${literal(nodeId)};
         SELECT pg_notify('fusion_acknowledged', '');
         COMMIT`,
      );
      return updated?.rowCount === 1;
    },
    async listNodes() {
      const [answer] = await send("SELECT node_id, renewals FROM node");
      const rows = (answer?.rows ?? []) as { node_id: string; renewals: string }[];
      return rows.map((row) => ({ nodeId: row.node_id, renewals: Number(row.renewals) }));
    },
    async removeNode(nodeId, renewals) {
      await send(
        `DELETE FROM node WHERE node_id = ${literal(nodeId)} AND renewals = ${Math.trunc(renewals)}`,
      );
    },
    async leave(nodeId) {
      await send(`DELETE FROM node WHERE node_id = ${literal(nodeId)}`);
    },
    async pruneNarrowings() {
      await send("DELETE FROM narrowing WHERE epoch <= (SELECT min(acknowledged_epoch) FROM node)");
    },
  };
}

/** As `first_epoch()` in the database counts. */
const epochsOfTimeline = 2 ** 40;

/** Of how many promotions of a standby the server comes that gave out this epoch: those of two timelines are told apart by it. */
export function timelineOf(epoch: number): number {
  return Math.floor(epoch / epochsOfTimeline);
}

/** Of subjects. People narrow fewer at once; a statement over a whole table may narrow a million. */
const narrowingsMax = 10_000;

const selectNews = (nodeId: string, since: string): string =>
  `SELECT clock.epoch, (SELECT acknowledged_epoch FROM node WHERE node_id = ${nodeId}) AS own,
     narrowing.epoch AS at, array_agg(narrowing.subject) AS subjects
   FROM narrowing_clock AS clock
   LEFT JOIN (SELECT epoch, subject FROM narrowing WHERE epoch > ${since} LIMIT ${narrowingsMax + 1}) AS narrowing ON true
   GROUP BY clock.epoch, narrowing.epoch ORDER BY narrowing.epoch`;

function toNews(answer: pg.QueryResult | undefined): News {
  const rows = (answer?.rows ?? []) as {
    epoch: string;
    own: string | null;
    at: string | null;
    subjects: Subject[];
  }[];
  const own = rows[0]?.own ?? null;
  const narrowings = rows.flatMap(({ at, subjects }) =>
    at === null ? [] : [{ epoch: Number(at), subjects }],
  );
  const count = narrowings.reduce((sum, { subjects }) => sum + subjects.length, 0);
  return {
    epoch: Number(rows[0]?.epoch),
    own: own === null ? undefined : Number(own),
    narrowings: count > narrowingsMax ? "too many" : narrowings,
  };
}

/**
 * The epoch of what the transaction narrows, or of the latest narrowing that it may have read when it narrows nothing itself. Known when it has committed, from
 * the server that committed it.
 */
export async function epochAtCommit(tx: Pick<Transaction, "atCommit">): Promise<number> {
  const [row] = await tx.atCommit<{ epoch: string }>("SELECT epoch FROM narrowing_clock");
  return Number(row?.epoch);
}

export interface NodeCount {
  readonly confirmed: number;
  readonly total: number;
}

/** How far everything is, and how far each node, as of one snapshot. */
export interface Progress {
  readonly epoch: number;
  readonly acknowledged: readonly number[];
}

export async function readProgress(db: Queryable): Promise<Progress> {
  const [row] = await db.query<{ epoch: string; acknowledged: string[] }>(
    prepared("SELECT epoch, ARRAY(SELECT acknowledged_epoch FROM node) AS acknowledged FROM narrowing_clock"),
  );
  return { epoch: Number(row?.epoch), acknowledged: (row?.acknowledged ?? []).map(Number) };
}

/** Its own renewal as a node sees it where everything else is read, in milliseconds of the database's time; undefined without a row. */
export async function readRenewedMs(db: Queryable, nodeId: string): Promise<number | undefined> {
  const [row] = await db.query<{ ms: number }>(
    "SELECT (extract(epoch FROM renewed_at) * 1000)::float8 AS ms FROM node WHERE node_id = $1",
    [nodeId],
  );
  return row?.ms;
}

/** A node as people see it. By its times alone nothing is decided. */
export interface NodeState {
  readonly nodeId: string;
  readonly name: string;
  readonly startedAt: Date;
  readonly acknowledgedEpoch: number;
  /** By the database's clock. */
  readonly secondsSinceRenewal: number;
}

export interface NodesState {
  readonly epoch: number;
  readonly nodes: readonly NodeState[];
}

export async function listNodeStates(db: Queryable): Promise<NodesState> {
  const { epoch } = await readProgress(db);
  const rows = await db.query<{
    node_id: string;
    name: string;
    started_at: Date;
    acknowledged_epoch: string;
    seconds: number;
  }>(
    `SELECT node_id, name, started_at, acknowledged_epoch,
       greatest(0, extract(epoch FROM database_now() - renewed_at))::float8 AS seconds
     FROM node ORDER BY started_at, node_id`,
  );
  return {
    epoch,
    nodes: rows.map((row) => ({
      nodeId: row.node_id,
      name: row.name,
      startedAt: row.started_at,
      acknowledgedEpoch: Number(row.acknowledged_epoch),
      secondsSinceRenewal: row.seconds,
    })),
  };
}
