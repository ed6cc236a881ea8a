import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { createOutage, isTold } from "../platform/outage.ts";
import { LeaseUnavailable } from "./errors.ts";
import { createLease, type Lease, momentOf } from "./lease.ts";
import type { LeaseConnection, OpenLeaseConnection } from "./lease-connection.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { Subject } from "./subject.ts";

/** Between two renewals; a lease outlasts three that fail. */
const renewEveryMs = 500;
/** A request without a lease waits so long for one. */
const waitMs = 1_000;
/** A node that was not renewed for so long, on the clock of one that is, loses its row. */
const silentMs = 30_000;
const lookAtOthersEvery = 10;
const pruneEvery = 100;

/** What the node makes forget. */
interface Forgets {
  narrow(epoch: number, subjects: readonly Subject[]): void;
  reset(epoch: number): void;
}

/** This process among those that hold tokens in memory. The protocol: docs/revocation.md. */
export interface Node {
  readonly nodeId: string;
  readonly lease: Pick<Lease, "holds" | "databaseMs" | "leftMs">;
  /** The epoch up to which it has forgotten what narrowings concern. */
  epoch(): number;
  /** Resolves when the lease holds. Throws {@link LeaseUnavailable} when none can be had within a second. */
  untilLease(): Promise<void>;
  /** Renews now. Throws what the connection throws. */
  renew(): Promise<void>;
  /** Renews now and every half second from then on; told of a narrowing, at once. */
  start(): void;
  /** Ends the lease, then the row: nobody waits for this node any more. */
  close(): Promise<void>;
}

export interface NodeDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeId: string;
  /** For people: which machine, which process. */
  readonly name: string;
  readonly memory: Forgets;
  readonly openConnection: OpenLeaseConnection;
  /** Told of whatever the connection fails with. */
  readonly noteFailure: (error: unknown) => void;
  /** A node has acknowledged something. */
  readonly onAcknowledged: () => void;
}

/** Nothing is asked of the database before `start`, or the first who needs a lease. */
export function createNode(deps: NodeDependencies): Node {
  const { clock, log, nodeId, name, memory, openConnection, noteFailure, onAcknowledged } = deps;
  const lease = createLease(clock);
  const outage = createOutage(log, {
    part: "leases",
    gone: "this process cannot renew its lease, so it answers no token from memory",
    back: "this process holds a lease again",
  });
  let connection: Promise<LeaseConnection> | undefined;
  let registered = false;
  let epoch = 0;
  let acknowledged = 0;
  let renewals = 0;
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const others = new Map<string, { readonly renewals: number; readonly seenAt: number }>();

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
      narrowed: () => void renewAgain(),
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
  const renewOnce = async (): Promise<void> => {
    const { store } = await connected();
    const isNew = !registered;
    if (isNew) {
      lose();
      await store.register({ nodeId, name });
    }
    // Before the renewal is sent: a lease counted from its answer would outlive what the revoker waits for.
    const sent = momentOf(clock);
    const renewal = await store.renew(nodeId, isNew ? Number.MAX_SAFE_INTEGER : epoch);
    if (!renewal.known) {
      lose();
      return renewOnce();
    }
    // Behind what was seen before: another database, or one that lost commits. Nothing known of the first holds for it.
    if (isNew || renewal.epoch < epoch) {
      lease.drop();
      memory.reset(renewal.epoch);
      acknowledged = -1;
    } else for (const narrowing of renewal.narrowings) memory.narrow(narrowing.epoch, narrowing.subjects);
    registered = true;
    epoch = renewal.epoch;
    if (epoch !== acknowledged) {
      if (!(await store.acknowledge(nodeId, epoch))) {
        lose();
        return renewOnce();
      }
      acknowledged = epoch;
    }
    lease.grant(sent, renewal.databaseMs);
    renewals += 1;
    if (renewals % lookAtOthersEvery === 0) await removeSilentNodes(store);
    if (renewals % pruneEvery === 0) await store.pruneNarrowings();
  };
  /** Silent on this node's monotonic clock: no clock of the database can make a living node lose its row, and with it those who wait for it. */
  const removeSilentNodes = async (store: LeaseStore): Promise<void> => {
    const now = clock.monotonicMs();
    const listed = await store.listNodes();
    const known = new Set(listed.map((node) => node.nodeId));
    for (const gone of others.keys()) if (!known.has(gone)) others.delete(gone);
    for (const { nodeId: other, renewals: count } of listed) {
      const seen = others.get(other);
      if (seen?.renewals !== count) others.set(other, { renewals: count, seenAt: now });
      else if (other !== nodeId && now - seen.seenAt >= silentMs) await store.removeNode(other, count);
    }
  };

  const renew = (): Promise<void> => {
    running ??= (async () => {
      try {
        do {
          again = false;
          await renewOnce();
        } while (again && !closed);
        outage.worked();
      } catch (error) {
        disconnect();
        noteFailure(error);
        // When the database is away the log says that already, and while the lease holds nothing is amiss.
        if (!closed && !isTold(error) && !lease.holds()) outage.failed(error);
        throw error;
      } finally {
        running = undefined;
      }
    })();
    return running;
  };
  /** What was committed since the running renewal has read may not be in it. */
  const renewAgain = (): Promise<void> => {
    again = true;
    if (closed) return Promise.resolve();
    return renew().catch(() => undefined);
  };

  return {
    nodeId,
    lease,
    epoch: () => epoch,
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
      await running?.catch(() => undefined);
      lease.drop();
      if (connection && registered) {
        // Its row would go by itself; until then every revocation would wait for a node that is no more.
        await connection.then(({ store }) => store.leave(nodeId)).catch(() => undefined);
      }
      disconnect();
    },
  };
}
