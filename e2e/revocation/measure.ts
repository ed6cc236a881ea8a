import { setTimeout as sleep } from "node:timers/promises";
import type { Phase } from "./history.ts";
import { now } from "./now.ts";
import type { RunningTest } from "./storm.ts";

// The quiet part of a run, which measures how long things take. Clients go on calling, but not as fast as they can: with two fully busy
// cores, the figure would be the length of the queue for them.

/**
 * How long clients call and tokens are revoked before the measurement: code that runs for the first time, in six processes at once, is ten
 * times slower.
 */
const warmUp = { revokes: 200, everyMs: 80 } as const;
/** Each client's pause between an answer and its next call. */
const quietPauseMs = 800;
const healthy = { revokes: 250, everyMs: 100 } as const;
const frozen = { times: 3, forMs: 4_000, revokes: 12 } as const;
const cutOffForMs = 6_000;

/** Runs three phases: `healthy`, `one frozen`, `cut off`. */
export async function measure(test: RunningTest): Promise<Phase[]> {
  await revokeOneByOne(test, warmUp);
  test.load.setPause(quietPauseMs);
  await test.revoker.settled();
  const phases: Phase[] = [];
  const phase = async (name: string, work: () => Promise<void>): Promise<void> => {
    const startedAt = now();
    await work();
    phases.push({ name, startedAt, endedAt: now() });
    await test.revoker.settled();
  };
  await phase("healthy", () => revokeOneByOne(test, healthy));
  for (let time = 0; time < frozen.times; time += 1) {
    await phase("one frozen", () => revokeWhileFrozen(test, time % test.cluster.nodes.length));
    await sleep(1_000);
  }
  await phase("cut off", () => callWhileCutOff(test, 0));
  test.say("measured");
  return phases;
}

async function revokeOneByOne(
  { cluster, revoker }: RunningTest,
  { revokes, everyMs }: { readonly revokes: number; readonly everyMs: number },
): Promise<void> {
  for (let at = 0; at < revokes; at += 1) {
    revoker.revokeAlone(at % cluster.nodes.length);
    await sleep(everyMs);
  }
}

async function revokeWhileFrozen({ cluster, revoker, saboteur }: RunningTest, node: number): Promise<void> {
  const others = [...cluster.nodes.keys()].filter((other) => other !== node);
  await saboteur.make("freeze", node, async () => {
    cluster.nodes[node]?.freeze();
    for (let at = 0; at < frozen.revokes; at += 1) {
      revoker.revokeAlone(others[at % others.length] as number);
      await sleep(frozen.forMs / 2 / frozen.revokes);
    }
    await sleep(frozen.forMs / 2);
    cluster.nodes[node]?.thaw();
  });
}

/** Calls the node that was cut off with valid tokens, often enough to see when it stops answering from memory. */
async function callWhileCutOff({ cluster, load, saboteur }: RunningTest, node: number): Promise<void> {
  await saboteur.make("network black hole", node, async () => {
    cluster.links[node]?.blackHole();
    for (const end = now() + cutOffForMs; now() < end; ) {
      load.probe(load.pickValid(), node);
      await sleep(25);
    }
    cluster.links[node]?.heal();
  });
}
