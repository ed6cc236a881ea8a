import type pg from "pg";
import { type Notice, tellsOfCancelledWait } from "../platform/database/commit.ts";
import type { Queryable, Transaction } from "../platform/database/database.ts";
import { prepared } from "../platform/database/prepared.ts";
import type { Subject } from "./subject.ts";

// All SQL on nodes, the epoch and narrowings, private to the room.

/** What had been committed, as of one snapshot. */
export interface News {
  readonly epoch: number;
  /** What the asking node has acknowledged; undefined when it has no row. */
  readonly own: number | undefined;
  /** Narrowings above the epoch that was asked for, or `too many` when there are more than can be read within a lease. */
  readonly narrowings:
    | readonly { readonly epoch: number; readonly subjects: readonly Subject[] }[]
    | "too many";
}

/** A renewal, with the news of a snapshot younger than its own commit. */
export interface Renewal extends News {
  /** Whether the node still has its row. If not, the rest says nothing. */
  readonly known: boolean;
  /** The database's time, in milliseconds, at some moment of the renewal. */
  readonly databaseMs: number;
}

/**
 * PostgreSQL committed on its own disk only, because somebody cancelled the wait for the standby. It is not known whether the commit lasts.
 */
class CommitUnconfirmed extends Error {
  constructor() {
    super("The wait for the synchronous standby was cancelled, so a commit is not confirmed.");
  }
}

/** What a node asks of the database. It asks nothing in any other way, so that a model can stand in for it. */
export interface LeaseStore {
  /**
   * Adds the node's row, under an id that was never registered, in place of its last one. A registration that was given up may arrive
   * later; its row then vouches for nobody.
   */
  register(node: {
    readonly nodeId: string;
    readonly name: string;
    /** The id of its last row; empty when it had none. */
    readonly insteadOf: string;
  }): Promise<void>;
  /**
   * Commits a renewal of the node's row, and only then, in a younger snapshot, reads the narrowings above `since`. The protocol depends on
   * that order. On a server that was promoted, epochs begin anew from then on ({@link timelineOf}).
   */
  renew(nodeId: string, since: number): Promise<Renewal>;
  /** Reads the narrowings above `since`, for a node, and commits nothing. */
  readNews(nodeId: string, since: number): Promise<News>;
  /**
   * Says that the node has forgotten what narrowings up to `epoch` concern. Returns false when it has lost its row. Others see it at once.
   * A server that crashes may lose it, which makes nobody believe anything untrue.
   */
  acknowledge(nodeId: string, epoch: number): Promise<boolean>;
  /** All nodes, with how often each was renewed. */
  listNodes(): Promise<readonly { readonly nodeId: string; readonly renewals: number }[]>;
  /** Removes a node, unless it was renewed since it was seen with this count of renewals. */
  removeNode(nodeId: string, renewals: number): Promise<void>;
  /** Removes the node's own row, when it answers nothing any more. */
  leave(nodeId: string): Promise<void>;
  /** Removes the narrowings that every node has acknowledged. */
  pruneNarrowings(): Promise<void>;
}

/** Takes a connection of the node's own, so that renewals never wait for other work. */
export function createLeaseStore(client: pg.Client): LeaseStore {
  // Sends several statements in one message. Each BEGIN and COMMIT is taken literally: one round trip, two snapshots.
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
      // This commit waits for no disk and no standby, because a revocation waits for it. A renewal, which does wait, follows within half a
      // second.
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

/** How many epochs a timeline has, as in the database's `first_epoch()`. */
const epochsOfTimeline = 2 ** 40;

/**
 * The timeline of the server that gave out this epoch: how many promotions of a standby it comes after. Tells the epochs of two servers
 * apart.
 */
export function timelineOf(epoch: number): number {
  return Math.floor(epoch / epochsOfTimeline);
}

/** How many subjects are read at most. People narrow fewer at once; a statement over a whole table may narrow a million. */
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
 * The epoch of what the transaction narrows or, when it narrows nothing itself, of the latest narrowing that it may have read. It is known
 * after the commit, from the server that committed.
 */
export async function epochAtCommit(tx: Pick<Transaction, "atCommit">): Promise<number> {
  const [row] = await tx.atCommit<{ epoch: string }>("SELECT epoch FROM narrowing_clock");
  return Number(row?.epoch);
}

export interface NodeCount {
  readonly confirmed: number;
  readonly total: number;
}

/** The latest epoch, and the one that each node has acknowledged, as of one snapshot. */
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

/** A node's own renewal, read where everything else is read, in milliseconds of the database's time; undefined without a row. */
export async function readRenewedMs(db: Queryable, nodeId: string): Promise<number | undefined> {
  const [row] = await db.query<{ ms: number }>(
    "SELECT (extract(epoch FROM renewed_at) * 1000)::float8 AS ms FROM node WHERE node_id = $1",
    [nodeId],
  );
  return row?.ms;
}

/** A node as people see it. Its times alone decide nothing. */
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
