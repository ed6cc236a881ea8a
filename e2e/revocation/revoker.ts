import { setTimeout as sleep } from "node:timers/promises";
import type { ArrangedToken } from "./arrange.ts";
import type { Revocation, RevokeAttempt, RevokePath } from "./history.ts";
import { openConnection } from "./http-connection.ts";
import type { Load } from "./load.ts";
import { now } from "./now.ts";
import type { Chance } from "./random.ts";
import { revokeRequest } from "./requests.ts";

/** Revokes tokens as people and programs do, and repeats until it is told that they have ended. */
export interface Revoker {
  /**
   * Starts a revocation, first through this node, while calls of the token race with it. From the answer on the token is tried again.
   * Returns false if no token is left.
   */
  revoke(node: number): boolean;
  /** The same without the race, and the token is tried again only once, so that only the revocation is measured. */
  revokeAlone(node: number): boolean;
  /** How many revocations were started. */
  started(): number;
  /** Resolves when all revocations that were started have ended. */
  settled(): Promise<void>;
  revocations(): readonly Revocation[];
}

/**
 * Several times the longest that a revoke should take: an attempt that is given up goes on at the node, and repeating it soon only adds to
 * its work.
 */
const attemptPatienceMs = 10_000;
/** Under constant faults about one attempt in four is answered, and now and then ten in a row are not. */
const giveUpMs = 300_000;
const coldShare = 0.4;
/** How long it is probed while under way, to cover the leases of the last but one: one node may already know what another does not. */
const probedMs = 3_000;
/** From at once to longer than a lease. */
const probesAfterMs = [0, 20, 100, 400, 1_000, 2_000, 4_000];

export function createRevoker({
  ports,
  paths,
  load,
  chance,
}: {
  readonly ports: readonly number[];
  readonly paths: readonly RevokePath[];
  readonly load: Load;
  readonly chance: Chance;
}): Revoker {
  const revocations: Revocation[] = [];
  const running = new Set<Promise<void>>();
  let started = 0;

  const attempt = async (token: ArrangedToken, node: number): Promise<RevokeAttempt> => {
    const path = chance.pick(paths);
    // Uses a new connection, since the time to open it counts for the person who revokes.
    const connection = openConnection(ports[node] as number);
    const { sentAt, endedAt, outcome } = await connection.send(revokeRequest(path, token), attemptPatienceMs);
    connection.close();
    return { path, node, sentAt, endedAt, outcome };
  };

  const run = async (token: ArrangedToken, first: number, alone: boolean): Promise<void> => {
    const attempts: RevokeAttempt[] = [];
    const revocation: Revocation = { token: token.number, attempts };
    revocations.push(revocation);
    let answered = false;
    if (!alone) {
      load.probeAll(token);
      const probedUntil = now() + probedMs;
      load.probeWhile(token, () => !answered && now() < probedUntil);
    }
    const startedAt = now();
    for (let node = first; ; node = chance.below(ports.length)) {
      const made = await attempt(token, node);
      attempts.push(made);
      if (made.outcome === "200" || now() - startedAt > giveUpMs) break;
      await sleep(100 + chance.below(400));
    }
    answered = true;
    load.noteRevoked(token);
    let waited = 0;
    for (const after of alone ? [0] : probesAfterMs) {
      if (after > waited) await sleep(after - waited);
      waited = after;
      load.probeAll(token);
    }
  };

  const start = (node: number, alone: boolean): boolean => {
    const token = chance.fraction() < coldShare ? load.takeCold() : load.takeWarm();
    if (!token) return false;
    started += 1;
    const ended = run(token, node, alone).finally(() => running.delete(ended));
    running.add(ended);
    return true;
  };

  return {
    revoke: (node) => start(node, false),
    revokeAlone: (node) => start(node, true),
    started: () => started,
    async settled() {
      await Promise.all(running);
    },
    revocations: () => revocations,
  };
}
