import { setTimeout as sleep } from "node:timers/promises";
import type { DatabaseLink } from "./database-link.ts";
import type { ExternalPostgres } from "./external-postgres.ts";
import type { Fault } from "./history.ts";
import type { NodeProcess } from "./node-process.ts";
import { now } from "./now.ts";
import type { Chance } from "./random.ts";

/** What the faults are applied to. */
export interface Cluster {
  readonly postgres: ExternalPostgres;
  readonly nodes: readonly NodeProcess[];
  /** The network between each node and the database. */
  readonly links: readonly DatabaseLink[];
}

/** What a kind of fault hits. It keeps apart faults that together would leave no node unharmed. */
type Scope = "node" | "database" | "clock";

interface FaultKind {
  readonly scopes: readonly Scope[];
  /** Applies the fault, waits and undoes it; resolves when the system has back what it needs. */
  run(cluster: Cluster, node: number, chance: Chance): Promise<void>;
}

const hourMs = 3_600_000;

export const faultKinds = {
  freeze: {
    scopes: ["node"],
    async run({ nodes }, node, chance) {
      nodes[node]?.freeze();
      await sleep(chance.logarithmic(200, 30_000));
      nodes[node]?.thaw();
    },
  },
  kill: {
    scopes: ["node"],
    async run({ nodes }, node, chance) {
      await nodes[node]?.kill();
      await sleep(chance.below(1_500));
      await nodes[node]?.start();
    },
  },
  "database crash": { scopes: ["database"], run: ({ postgres }) => postgres.crash() },
  "database restart": { scopes: ["database"], run: ({ postgres }) => postgres.restart() },
  "listener cut": {
    scopes: ["node"],
    async run({ links }, node, chance) {
      const link = links[node];
      if (chance.fraction() < 0.3) {
        for (let left = 1 + chance.below(4); left > 0; left -= 1) {
          link?.cutListeners();
          await sleep(200 + chance.below(800));
        }
        return;
      }
      link?.muteListeners();
      await sleep(chance.logarithmic(500, 8_000));
      link?.heal(chance.fraction() < 0.5);
    },
  },
  "network black hole": {
    scopes: ["node"],
    async run({ links }, node, chance) {
      links[node]?.blackHole();
      await sleep(chance.logarithmic(300, 10_000));
      links[node]?.heal(chance.fraction() < 0.5);
    },
  },
  "network reset": {
    scopes: ["node"],
    async run({ links }, node, chance) {
      links[node]?.refuse();
      await sleep(chance.logarithmic(200, 5_000));
      links[node]?.heal();
    },
  },
  "network delay": {
    scopes: ["node"],
    async run({ links }, node, chance) {
      // Half of them are nearly as late as a renewal may be. Only then does a lease that counts from its answer outlast a revoke's wait,
      // and only while the fault lasts until the renewal, its acknowledgement and the news of the revoke have been late one after another.
      const isNearLease = chance.fraction() < 0.5;
      const delayMs = isNearLease ? 1_100 + chance.below(800) : chance.logarithmic(50, 3_000);
      links[node]?.delay(delayMs);
      await sleep((isNearLease ? 3 * delayMs : 2_000) + chance.below(5_000));
      links[node]?.heal();
    },
  },
  "clock an hour ahead": {
    scopes: ["clock"],
    run: (cluster, node, chance) => shiftClock(cluster, node, hourMs, chance),
  },
  "clock an hour behind": {
    scopes: ["clock"],
    run: (cluster, node, chance) => shiftClock(cluster, node, -hourMs, chance),
  },
  // A lease that trusted the wall clock would last an hour longer just while the node hears of nothing.
  "cut off with the clock set back": {
    scopes: ["node", "clock"],
    async run({ nodes, links }, node, chance) {
      links[node]?.blackHole();
      await sleep(300);
      nodes[node]?.shiftClock(-hourMs);
      await sleep(4_000 + chance.below(2_000));
      nodes[node]?.shiftClock(0);
      links[node]?.heal();
    },
  },
} as const satisfies Record<string, FaultKind>;
export type FaultName = keyof typeof faultKinds;

async function shiftClock(
  { nodes }: Cluster,
  node: number,
  milliseconds: number,
  chance: Chance,
): Promise<void> {
  nodes[node]?.shiftClock(milliseconds);
  await sleep(4_000 + chance.below(8_000));
  nodes[node]?.shiftClock(0);
}

/** Applies faults one after the other, several at a time, and records when each began and was over. */
export interface Saboteur {
  /**
   * Begins a fault of this kind. Returns the node that it hits (null: the database), or undefined if it would leave no node unharmed.
   * Throws the error that kept an earlier fault from being undone, such as a node that does not start again.
   */
  begin(kind: FaultName): { readonly node: number | null; readonly ended: Promise<void> } | undefined;
  /** Applies a fault of the caller's own making to a node. */
  make(kind: FaultName, node: number, work: () => Promise<void>): Promise<void>;
  /** How many faults of this kind are over. */
  done(kind: FaultName): number;
  /** Resolves when every fault that was begun is over. Throws like `begin`. */
  settled(): Promise<void>;
  faults(): readonly Fault[];
}

export function createSaboteur(cluster: Cluster, chance: Chance): Saboteur {
  const faults: Fault[] = [];
  const running = new Set<Promise<void>>();
  let remains: { readonly error: unknown } | undefined;
  const hit: Record<Scope, Set<number | null>> = { node: new Set(), database: new Set(), clock: new Set() };

  const choose = (scopes: readonly Scope[]): number | null | undefined => {
    if (scopes.includes("database")) return hit.database.size === 0 ? null : undefined;
    const free = [...cluster.nodes.keys()].filter((node) => scopes.every((scope) => !hit[scope].has(node)));
    // One node stays unharmed, so that there is one to revoke through and to be alive.
    return free.length > 1 ? chance.pick(free) : undefined;
  };

  const record = async (kind: FaultName, node: number | null, work: () => Promise<void>): Promise<void> => {
    const startedAt = now();
    await work();
    faults.push({ kind, node, startedAt, endedAt: now() });
  };

  return {
    begin(kind) {
      if (remains) throw remains.error;
      const { scopes, run }: FaultKind = faultKinds[kind];
      const node = choose(scopes);
      if (node === undefined) return undefined;
      for (const scope of scopes) hit[scope].add(node);
      const ended = record(kind, node, () => run(cluster, node ?? 0, chance)).then(() => {
        for (const scope of scopes) hit[scope].delete(node);
      });
      running.add(ended);
      ended.then(
        () => running.delete(ended),
        (error: unknown) => {
          remains = { error };
        },
      );
      return { node, ended };
    },
    make: record,
    done: (kind) => faults.filter((fault) => fault.kind === kind).length,
    async settled() {
      await Promise.all(running);
    },
    faults: () => faults,
  };
}
