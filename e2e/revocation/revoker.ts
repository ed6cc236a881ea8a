import { setTimeout as sleep } from "node:timers/promises";
import type { ArrangedToken } from "./arrange.ts";
import type { Revocation, RevokeAttempt, RevokePath } from "./history.ts";
import { openConnection } from "./http-connection.ts";
import type { Load } from "./load.ts";
import { now } from "./now.ts";
import type { Chance } from "./random.ts";
import { revokeRequest } from "./requests.ts";

/** Ends tokens as people and programs do, and keeps at it until it is told that they have ended. */
export interface Revoker {
  /**
   * Starts a revocation, through this node at first, with calls of the token racing with it; the token is tried again from the answer on.
   * Answers false when no token is left.
   */
  revoke(node: number): boolean;
  /** The same without the race, and with the token tried again only once: so that what is measured is the revocation. */
  revokeAlone(node: number): boolean;
  /** How many were started. */
  started(): number;
  /** Resolves when all that were started have ended. */
  settled(): Promise<void>;
  revocations(): readonly Revocation[];
}

/** Several times the longest that a revoke should take: what is given up goes on at the node, and repeating it soon only adds to its work. */
const attemptPatienceMs = 10_000;
/** Under faults all the time, one attempt in four is answered: rarely, ten in a row are not. */
const giveUpMs = 300_000;
const coldShare = 0.4;
/** While it is under way, for as long as leases of before last: one node may know already what another one does not. */
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
    // A connection of its own: how long opening it takes counts for whoever revokes.
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
