import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { createOutage, isTold } from "../platform/outage.ts";
import { LeaseUnavailable } from "./errors.ts";
import { createLease, type Lease, leaseMs, momentOf } from "./lease.ts";
import type { LeaseConnection, OpenLeaseConnection } from "./lease-connection.ts";
import { type LeaseStore, type News, timelineOf } from "./lease-store.ts";
import type { Subject } from "./subject.ts";

/** Time between two renewals. A lease outlasts three failed ones. */
const renewEveryMs = 500;
/** How long a request without a lease waits for one. */
const waitMs = 1_000;
/** A node loses its row when it was not renewed for this long, on the clock of another node that is. */
const silentMs = 30_000;
const lookAtOthersEvery = 10;
const pruneEvery = 100;

class DatabasesDiffer extends Error {
  constructor() {
    super(
      "DATABASE_URL and DIRECT_DATABASE_URL lead to different databases: what is committed over one is not seen over the other.",
    );
  }
}

/** The part of the memory through which the node makes it forget. */
interface Forgets {
  narrow(epoch: number, subjects: readonly Subject[]): void;
  reset(epoch: number): void;
}

/** Counts of nodes. A silent one was not renewed for as long as a lease lasts. */
export interface NodesSeen {
  readonly live: number;
  readonly silent: number;
}

/** This process as one of the nodes that hold tokens in memory. The protocol: docs/revocation.md. */
export interface Node {
  /** The id of its last registration; empty before the first. */
  readonly nodeId: string;
  readonly lease: Pick<Lease, "holds" | "databaseMs" | "leftMs">;
  /** The latest epoch that it knows of; it has forgotten what narrowings up to it concern. */
  epoch(): number;
  /** The registered nodes as of its last look, which it takes every five seconds. */
  nodesSeen(): NodesSeen;
  /** Resolves when the lease holds. Throws {@link LeaseUnavailable} when none can be had within a second. */
  untilLease(): Promise<void>;
  /** Renews now. Throws what the connection throws. */
  renew(): Promise<void>;
  /** Renews now and every half second from then on. When told of a narrowing, it forgets at once. */
  start(): void;
  /** Ends the lease, then removes the row, so that nobody waits for this node any more. */
  close(): Promise<void>;
}

export interface NodeDependencies {
  readonly clock: Clock;
  readonly log: Log;
  /** Makes a new id for each registration. */
  readonly newNodeId: () => string;
  /** Which machine and which process, for people to read. */
  readonly name: string;
  readonly memory: Forgets;
  readonly openConnection: OpenLeaseConnection;
  /** Reads the node's own renewal where tokens are read and revocations written. */
  readonly readRenewedMs: (nodeId: string) => Promise<number | undefined>;
  /** Told of every failure of the connection. */
  readonly noteFailure: (error: unknown) => void;
  /** Called when a node has acknowledged something. */
  readonly onAcknowledged: () => void;
}

/** Asks the database nothing before `start`, or before somebody first needs a lease. */
export function createNode(deps: NodeDependencies): Node {
  const { clock, log, newNodeId, name, memory, openConnection, readRenewedMs, noteFailure, onAcknowledged } =
    deps;
  const lease = createLease(clock);
  const outage = createOutage(log, {
    part: "leases",
    gone: "this process cannot renew its lease, so it answers no token from memory",
    back: "this process holds a lease again",
  });
  let connection: Promise<LeaseConnection> | undefined;
  /** The id of its last registration. */
  let nodeId = "";
  let registered = false;
  /** The latest epoch that a server has shown. */
  let seen = 0;
  /** Everything up to this epoch was forgotten and acknowledged. What was seen but not acknowledged is read again. */
  let acknowledged = -1;
  let renewals = 0;
  /** The database's time at the last committed renewal. */
  let renewedMs = 0;
  /** Whether its commits were not seen where tokens are read. It has no lease until they are. */
  let apart = false;
  let turn: Promise<void> = Promise.resolve();
  let renewing: Promise<void> | undefined;
  let following: Promise<void> | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const others = new Map<string, { readonly renewals: number; readonly seenAt: number }>();
  let nodesSeen: NodesSeen = { live: 0, silent: 0 };

  const disconnect = (): void => {
    const broken = connection;
    connection = undefined;
    void broken?.then(
      (each) => each.close(),
      () => undefined,
    );
  };
  const connected = (): Promise<LeaseConnection> => {
    if (connection) return connection;
    const opening: Promise<LeaseConnection> = openConnection({
      narrowed: () => void follow().catch(() => undefined),
      acknowledged: onAcknowledged,
      broken: () => {
        if (connection === opening) disconnect();
      },
    });
    connection = opening;
    return opening;
  };

  /** Its row is gone, or never existed: the memory may be stale, and nobody would wait for this node. */
  const lose = (): void => {
    registered = false;
    lease.drop();
    memory.reset(Number.MAX_SAFE_INTEGER);
  };
  /** Forgets what is new, and says so in a commit. Returns false when the row is gone, and with it the right to use memory. */
  const takeIn = async (store: LeaseStore, { epoch, narrowings }: News): Promise<boolean> => {
    if (narrowings === "too many") memory.reset(epoch);
    else for (const narrowing of narrowings) memory.narrow(narrowing.epoch, narrowing.subjects);
    seen = epoch;
    if (seen === acknowledged) return true;
    if (!(await store.acknowledge(nodeId, epoch))) {
      lose();
      return false;
    }
    acknowledged = epoch;
    return true;
  };
  /**
   * Whether the server has another past than the one seen before: it is on another timeline, behind what was seen, or lacks what this node
   * has acknowledged. It may have lost commits, so nothing known from before is sure to hold for it.
   */
  const hasAnotherPast = ({ epoch, own }: News): boolean =>
    timelineOf(epoch) !== timelineOf(seen) || epoch < seen || own === undefined || own < acknowledged;
  const renewOnce = async (): Promise<void> => {
    const { store } = await connected();
    const isNew = !registered;
    if (isNew) {
      lose();
      const insteadOf = nodeId;
      nodeId = newNodeId();
      await store.register({ nodeId, name, insteadOf });
    }
    // Taken before the renewal is sent: a lease counted from its answer would outlast the time that a revocation waits.
    const sent = momentOf(clock);
    const renewal = await store.renew(nodeId, isNew ? Number.MAX_SAFE_INTEGER : acknowledged);
    if (!renewal.known) {
      lose();
      return renewOnce();
    }
    if (isNew || hasAnotherPast(renewal)) {
      lease.drop();
      memory.reset(renewal.epoch);
      acknowledged = -1;
    }
    registered = true;
    renewedMs = renewal.databaseMs;
    if (!(await takeIn(store, renewal))) return renewOnce();
    if (apart) apart = await isApart();
    if (apart) throw new DatabasesDiffer();
    lease.grant(sent, renewal.databaseMs);
    renewals += 1;
    if (isNew || renewals % lookAtOthersEvery === 0) void loseIfApart();
    if (renewals % lookAtOthersEvery === 0) await removeSilentNodes(store);
    if (renewals % pruneEvery === 0) await store.pruneNarrowings();
  };
  /** Whether what this node committed before the call cannot be seen where tokens are read. Throws when the database cannot be asked. */
  const isApart = async (): Promise<boolean> => {
    const committed = renewedMs;
    const found = await readRenewedMs(nodeId);
    return found === undefined || found < committed;
  };
  /**
   * The two ways to the database may lead to two databases, as when a pooler was pointed elsewhere. Revocations are then committed where no
   * node is registered, and nobody waits for this one. Renewals do not wait for this check, since a busy pool may hold it up.
   */
  const loseIfApart = async (): Promise<void> => {
    const asked = nodeId;
    // A question that fails says nothing, nor does a row that was lost or replaced meanwhile.
    if (!(await isApart().catch(() => false)) || !registered || nodeId !== asked) return;
    await inTurn(async () => {
      apart = true;
      lose();
      throw new DatabasesDiffer();
    }).catch(() => undefined);
  };
  /**
   * Runs when the node is told of a narrowing. A lease that holds needs no renewal for that: what counts is that the node forgets and says
   * so.
   */
  const followOnce = async (): Promise<void> => {
    if (!registered || !lease.holds()) return renewOnce();
    const { store } = await connected();
    const news = await store.readNews(nodeId, acknowledged);
    if (hasAnotherPast(news) || !(await takeIn(store, news))) return renewOnce();
  };
  /**
   * Removes nodes that were silent on this node's monotonic clock. So no clock of the database can make a living node lose its row, after
   * which nobody would wait for it.
   */
  const removeSilentNodes = async (store: LeaseStore): Promise<void> => {
    const now = clock.monotonicMs();
    const listed = await store.listNodes();
    const known = new Set(listed.map((node) => node.nodeId));
    for (const gone of others.keys()) if (!known.has(gone)) others.delete(gone);
    let silent = 0;
    for (const { nodeId: other, renewals: count } of listed) {
      const seen = others.get(other);
      if (seen?.renewals !== count) {
        others.set(other, { renewals: count, seenAt: now });
        continue;
      }
      const unseenMs = now - seen.seenAt;
      if (unseenMs >= leaseMs) silent += 1;
      if (other !== nodeId && unseenMs >= silentMs) await store.removeNode(other, count);
    }
    nodesSeen = { live: listed.length - silent, silent };
  };

  /** Runs one thing at a time: an answer overtaken by a later one would tell less than is already known. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turn.then(async () => {
      if (closed) return;
      try {
        await work();
        outage.worked();
      } catch (error) {
        disconnect();
        noteFailure(error);
        // The log already tells of a database that is away, and while the lease holds nothing is amiss.
        if (!closed && !isTold(error) && !lease.holds()) outage.failed(error);
        throw error;
      }
    });
    turn = done.catch(() => undefined);
    return done;
  };
  const renew = (): Promise<void> => {
    renewing ??= inTurn(renewOnce).finally(() => {
      renewing = undefined;
    });
    return renewing;
  };
  const follow = (): Promise<void> => {
    // A run that has begun may miss what is committed after its start, so a later notification starts another one.
    following ??= inTurn(() => {
      following = undefined;
      return followOnce();
    });
    return following;
  };

  return {
    get nodeId() {
      return nodeId;
    },
    lease,
    epoch: () => seen,
    nodesSeen: () => nodesSeen,
    renew,
    async untilLease() {
      if (lease.holds()) return;
      if (closed) throw new LeaseUnavailable();
      const abort = new AbortController();
      try {
        await Promise.race([renew(), sleep(waitMs, undefined, { signal: abort.signal })]);
      } catch (error) {
        throw new LeaseUnavailable(error);
      } finally {
        abort.abort();
      }
      if (!lease.holds()) throw new LeaseUnavailable();
    },
    start() {
      timer ??= setInterval(() => void renew().catch(() => undefined), renewEveryMs);
      timer.unref();
      void renew().catch(() => undefined);
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await turn;
      lease.drop();
      if (connection) {
        // A row that is left would go by itself, but until then every revocation would wait for a node that is no more.
        await connection.then(({ store }) => store.leave(nodeId)).catch(() => undefined);
      }
      disconnect();
    },
  };
}
