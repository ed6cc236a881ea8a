import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { ChangeUnconfirmed } from "./errors.ts";
import { leaseMs, marginMs } from "./lease.ts";
import { epochAtCommit, type NodeCount, type Progress, readProgress } from "./lease-store.ts";

export { epochAtCommit, type NodeCount };

/** How far the nodes are, for code that has changed something. */
export interface Nodes {
  /**
   * Resolves when no node answers from memory what it knew before the narrowing of this epoch ({@link epochAtCommit}, or an epoch that was
   * read with what it narrowed). By then each node has acknowledged it, or its lease has run out (2.2 s after the call, on this process's
   * monotonic clock). Call it after the commit of what narrows, never before. Returns how many of the registered nodes had acknowledged.
   *
   * A server that is behind this epoch, or behind what this process was told as a node before the call, is not believed: it is a former
   * primary.
   *
   * Throws {@link ChangeUnconfirmed} when the database cannot be asked; the same call again waits anew.
   */
  untilAllKnow(epoch: number): Promise<NodeCount>;
  /** Looks again now, because a node may have acknowledged. */
  wake(): void;
}

/** Time between two looks when nobody wakes us, as in the command line, which no notification reaches. */
const lookEveryMs = 10;
/** A look that takes longer counts as failed. */
const lookMs = 2_000;

interface Waiter {
  /** The epoch that has to be acknowledged. */
  readonly epoch: number;
  /** A look that shows a lower epoch says nothing. */
  readonly atLeast: number;
  readonly endsAt: number;
  readonly done: PromiseWithResolvers<NodeCount>;
}

/** All waiters of this process look together, so that a hundred revocations at once ask the database no more often than one. */
export function createNodes({
  db,
  clock,
  knownEpoch,
}: {
  readonly db: Pick<Database, "queryUnscoped">;
  readonly clock: Clock;
  /** The latest epoch that this process knows of, if it is a node. */
  readonly knownEpoch?: () => number;
}): Nodes {
  return watchNodes({
    clock,
    ...(knownEpoch && { knownEpoch }),
    askProgress: () => readProgress({ query: db.queryUnscoped }),
    pause: sleep,
  });
}

/** {@link createNodes} with the source of progress and the pauses passed in, so that a model can stand in for both. */
export function watchNodes({
  clock,
  knownEpoch = () => 0,
  askProgress,
  pause,
}: {
  readonly clock: Clock;
  readonly knownEpoch?: () => number;
  readonly askProgress: () => Promise<Progress>;
  readonly pause: (milliseconds: number) => Promise<void>;
}): Nodes {
  const waiters = new Set<Waiter>();
  let looking = false;
  let woken = Promise.withResolvers<void>();

  const reject = (waiter: Waiter, cause: unknown): void => {
    waiters.delete(waiter);
    waiter.done.reject(new ChangeUnconfirmed({}, cause));
  };
  const settle = (asked: readonly Waiter[], { epoch, acknowledged }: Progress): void => {
    const now = clock.monotonicMs();
    for (const waiter of asked) {
      if (epoch < waiter.atLeast) {
        if (now >= waiter.endsAt)
          reject(waiter, new Error("The database that answers has not seen the change."));
        continue;
      }
      const confirmed = acknowledged.filter((each) => each >= waiter.epoch).length;
      if (confirmed < acknowledged.length && now < waiter.endsAt) continue;
      waiters.delete(waiter);
      waiter.done.resolve({ confirmed, total: acknowledged.length });
    }
  };
  const giveUp = (cause: unknown): void => {
    const now = clock.monotonicMs();
    for (const waiter of waiters) if (now >= waiter.endsAt) reject(waiter, cause);
  };
  const look = async (): Promise<void> => {
    looking = true;
    while (waiters.size > 0) {
      woken = Promise.withResolvers();
      try {
        // A waiter that comes while this look is under way may have committed after its snapshot.
        const asked = [...waiters];
        settle(asked, await withinMs(lookMs, askProgress()));
      } catch (error) {
        giveUp(error);
      }
      if (waiters.size > 0) await Promise.race([woken.promise, pause(lookEveryMs)]);
    }
    looking = false;
  };
  return {
    untilAllKnow(epoch) {
      const waiter: Waiter = {
        epoch,
        atLeast: Math.max(epoch, knownEpoch()),
        endsAt: clock.monotonicMs() + leaseMs + marginMs,
        done: Promise.withResolvers(),
      };
      waiters.add(waiter);
      if (looking) woken.resolve();
      else void look();
      return waiter.done.promise;
    },
    wake: () => woken.resolve(),
  };
}

async function withinMs<Result>(milliseconds: number, work: Promise<Result>): Promise<Result> {
  const abort = new AbortController();
  try {
    return await Promise.race([
      work,
      sleep(milliseconds, undefined, { signal: abort.signal }).then(() => {
        throw new Error("The database did not answer in time.");
      }),
    ]);
  } finally {
    abort.abort();
  }
}
