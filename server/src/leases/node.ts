import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { createOutage, isTold } from "../platform/outage.ts";
import { LeaseUnavailable } from "./errors.ts";
import { createLease, type Lease, leaseMs, momentOf } from "./lease.ts";
import type { LeaseConnection, OpenLeaseConnection } from "./lease-connection.ts";
import { type LeaseStore, type News, timelineOf } from "./lease-store.ts";
import type { Subject } from "./subject.ts";

/** Between two renewals; a lease outlasts three that fail. */
const renewEveryMs = 500;
/** A request without a lease waits so long for one. */
const waitMs = 1_000;
/** A node that was not renewed for so long, on the clock of one that is, loses its row. */
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

/** What the node makes forget. */
interface Forgets {
  narrow(epoch: number, subjects: readonly Subject[]): void;
  reset(epoch: number): void;
}

/** How many. The silent ones were not renewed for as long as a lease lasts. */
export interface NodesSeen {
  readonly live: number;
  readonly silent: number;
}

/** This process among those that hold tokens in memory. The protocol: docs/revocation.md. */
export interface Node {
  /** Of its last registration; empty before the first. */
  readonly nodeId: string;
  readonly lease: Pick<Lease, "holds" | "databaseMs" | "leftMs">;
  /** The latest epoch that it knows of; it has forgotten what narrowings up to it concern. */
  epoch(): number;
  /** The nodes that are registered, as of its last look, every five seconds. */
  nodesSeen(): NodesSeen;
  /** Resolves when the lease holds. Throws {@link LeaseUnavailable} when none can be had within a second. */
  untilLease(): Promise<void>;
  /** Renews now. Throws what the connection throws. */
  renew(): Promise<void>;
  /** Renews now and every half second from then on; told of a narrowing, forgets at once. */
  start(): void;
  /** Ends the lease, then the row: nobody waits for this node any more. */
  close(): Promise<void>;
}

export interface NodeDependencies {
  readonly clock: Clock;
  readonly log: Log;
  /** A new one for each registration. */
  readonly newNodeId: () => string;
  /** For people: which machine, which process. */
  readonly name: string;
  readonly memory: Forgets;
  readonly openConnection: OpenLeaseConnection;
  /** The node's own renewal, read where tokens and revocations are. */
  readonly readRenewedMs: (nodeId: string) => Promise<number | undefined>;
  /** Told of whatever the connection fails with. */
  readonly noteFailure: (error: unknown) => void;
  /** A node has acknowledged something. */
  readonly onAcknowledged: () => void;
}

/** Nothing is asked of the database before `start`, or the first who needs a lease. */
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
  /** Of its last registration. */
  let nodeId = "";
  let registered = false;
  /** The latest that a server has shown. */
  let seen = 0;
  /** Up to here everything was forgotten and acknowledged. What was only seen is read again until it was acknowledged too. */
  let acknowledged = -1;
  let renewals = 0;
  /** By the database's time: of the last renewal that was committed. */
  let renewedMs = 0;
  /** Its commits were not seen where tokens are read. It has no lease until they are. */
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

  /** Its row is gone, or never was: whatever is in memory may be stale, and nobody would wait for us. */
  const lose = (): void => {
    registered = false;
    lease.drop();
    memory.reset(Number.MAX_SAFE_INTEGER);
  };
  /** Forgets what is new, and says so in a commit. False when the row is gone, and with it what memory was good for. */
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
   * Another server than before, which may lack commits that the first had made, or one that lost some: behind what was seen, or without what this
   * node has acknowledged. Nothing known of the first is sure to hold for it.
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
    // Before the renewal is sent: a lease counted from its answer would outlive what the revoker waits for.
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
  /** Whether what this node committed before the call cannot be seen where tokens are read. Throws when that cannot be asked. */
  const isApart = async (): Promise<boolean> => {
    const committed = renewedMs;
    const found = await readRenewedMs(nodeId);
    return found === undefined || found < committed;
  };
  /**
   * The two ways to the database may lead to two: a pooler that was pointed elsewhere. Then revocations are committed where no node is registered, and nobody
   * waits for this one. Not in a renewal's way, since those who ask much may keep it waiting.
   */
  const loseIfApart = async (): Promise<void> => {
    const asked = nodeId;
    // That it cannot be asked says nothing, nor does a row that was lost or replaced meanwhile.
    if (!(await isApart().catch(() => false)) || !registered || nodeId !== asked) return;
    await inTurn(async () => {
      apart = true;
      lose();
      throw new DatabasesDiffer();
    }).catch(() => undefined);
  };
  /** Told of a narrowing. The lease that it has needs no renewing for that: what counts is that the node forgets and says so. */
  const followOnce = async (): Promise<void> => {
    if (!registered || !lease.holds()) return renewOnce();
    const { store } = await connected();
    const news = await store.readNews(nodeId, acknowledged);
    if (hasAnotherPast(news) || !(await takeIn(store, news))) return renewOnce();
  };
  /** Silent on this node's monotonic clock: no clock of the database can make a living node lose its row, and with it those who wait for it. */
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

  /** One thing at a time: an answer that was overtaken by a later one would say less than is known. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turn.then(async () => {
      if (closed) return;
      try {
        await work();
        outage.worked();
      } catch (error) {
        disconnect();
        noteFailure(error);
        // When the database is away the log says that already, and while the lease holds nothing is amiss.
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
    // What is committed once it has begun may not be in it, so whoever is told then follows again.
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
        // Its row, if it has one, would go by itself; until then every revocation would wait for a node that is no more.
        await connection.then(({ store }) => store.leave(nodeId)).catch(() => undefined);
      }
      disconnect();
    },
  };
}
