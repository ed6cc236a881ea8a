import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, type FaultName, faultKinds, type Saboteur } from "./faults.ts";
import type { Load } from "./load.ts";
import { now } from "./now.ts";
import type { Chance } from "./random.ts";
import type { Revoker } from "./revoker.ts";

/** The parts of a running test. */
export interface RunningTest {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly revoker: Revoker;
  readonly saboteur: Saboteur;
  readonly chance: Chance;
  readonly say: (line: string) => void;
}

export interface StormOptions {
  /** How many calls at least while there are faults; likewise `revokes`. */
  readonly calls: number;
  readonly revokes: number;
  readonly faults?: readonly FaultName[];
  /** How often each kind of fault happens at least. */
  readonly turns: number;
}

/** How many revokes begin together with a fault: enough that a few turns of a kind overlap as many revokes as they should. */
const burst = { least: 8, most: 80 } as const;
const gapMs = { least: 2_000, spread: 1_500 } as const;
/** The share of a burst that begins at once; the rest is spread until the next fault. */
const atOnce = 0.7;
/** The probability with which a burst's revoke is deliberately sent first to the node that the fault hits. */
const throughFaulty = 0.4;

/** Makes a fault every few seconds, with revokes around each, until there were enough calls, revokes and faults of each kind. */
export async function storm(test: RunningTest, options: StormOptions): Promise<void> {
  const { cluster, load, revoker, saboteur, chance, say } = test;
  const kinds = options.faults ?? (Object.keys(faultKinds) as FaultName[]);
  const startedAt = now();
  const callsBefore = load.calls();
  const revokesBefore = revoker.started();
  let turn: FaultName[] = [];
  load.setPause(0);
  const isDone = (): boolean =>
    load.calls() - callsBefore >= options.calls &&
    revoker.started() - revokesBefore >= options.revokes &&
    kinds.every((kind) => saboteur.done(kind) >= options.turns);

  for (let told = startedAt; !isDone(); ) {
    if (turn.length === 0) turn = options.faults ? [...options.faults] : chance.shuffled(kinds);
    const begun = beginOneOf(saboteur, turn);
    if (begun === undefined) {
      await sleep(200);
      continue;
    }
    const gap = gapMs.least + chance.below(gapMs.spread);
    // Sized so that revokes keep step with calls: how many should have been started when the next fault comes.
    const rate = (load.calls() - callsBefore) / Math.max(1, now() - startedAt);
    const due = ((load.calls() - callsBefore + rate * gap) * options.revokes) / options.calls;
    const count = Math.min(
      burst.most,
      Math.max(burst.least, Math.ceil(due) - (revoker.started() - revokesBefore)),
    );
    const revokeOne = (): void => {
      const node =
        begun.node !== null && chance.fraction() < throughFaulty
          ? begun.node
          : chance.below(cluster.nodes.length);
      revoker.revoke(node);
    };
    const first = Math.ceil(count * atOnce);
    for (let at = 0; at < first; at += 1) revokeOne();
    const rest = count - first;
    for (let at = 0; at < rest; at += 1) {
      await sleep(gap / (rest + 1));
      revokeOne();
    }
    await sleep(gap / (rest + 1));
    if (now() - told > 10_000) {
      told = now();
      say(`${load.calls()} calls, ${revoker.started()} revokes, ${saboteur.faults().length} faults`);
    }
  }
}

/** Begins the first fault that can begin now, and takes it out of the turn. */
function beginOneOf(saboteur: Saboteur, turn: FaultName[]): ReturnType<Saboteur["begin"]> {
  for (const [at, kind] of turn.entries()) {
    const begun = saboteur.begin(kind);
    if (begun) {
      turn.splice(at, 1);
      return begun;
    }
  }
  return undefined;
}
