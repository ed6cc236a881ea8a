import { hash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { fromAnywhere } from "../../access/ip-rules.ts";
import type { LeaseEvents, OpenLeaseConnection } from "../../leases/lease-connection.ts";
import type { LeaseStore } from "../../leases/lease-store.ts";
import { createMemory } from "../../leases/memory.ts";
import { createNode, type Node } from "../../leases/node.ts";
import { watchNodes } from "../../leases/nodes.ts";
import { type Subject, tokenSubject } from "../../leases/subject.ts";
import type { Clock } from "../../platform/clock.ts";
import type { ApplicationId, FintechId, IfiId, TokenId } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { createTokenCheck, type FoundToken, type ReadToken, type TokenCheck } from "../check/check-token.ts";

// The protocol of docs/revocation.md, run by the product's own code over a simulated database, network and clocks. fast-check interleaves
// their steps in every order it can think of: fills, revocations, notifications, renewals, pauses and crashes.

/** A database that commits and reads in single steps; the wire before and after each is a step of the schedule. */
interface World {
  nowMs: number;
  /** Processes that were ever started. */
  lives: number;
  epoch: number;
  revoked: boolean;
  readonly narrowings: { readonly epoch: number; readonly subjects: Subject[] }[];
  readonly rows: Map<string, { renewals: number; acknowledged: number; onDisk: number }>;
  /** How many standbys were promoted. */
  promotions: number;
  /** What the primary before the last promotion goes on answering. */
  overtaken: { readonly epoch: number; readonly revoked: boolean };
  /** How many of the next readings of tokens reach that one. */
  misled: number;
  /** Order of what callers see: each sending and each answer takes the next number. */
  moment: number;
}

const secret = "fus_test_modelled";
const key = hash("sha256", secret, "base64url");
const subject = tokenSubject(key);
const dayMs = 86_400_000;

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("check" as const), node: fc.nat(1), again: fc.nat(3) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("renew" as const), node: fc.nat(1) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 2_500 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), node: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), node: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("give up" as const), node: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("step the wall clock" as const),
      node: fc.nat(1),
      ms: fc.constantFrom(3_600_000, -3_600_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose the row" as const), node: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("the database crashes" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("a standby is promoted" as const), misled: fc.nat(3) }),
  },
);

type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

interface Call {
  readonly sent: number;
  answered?: number;
  outcome?: "accepted" | "revoked" | "unavailable";
}

interface Play {
  readonly actions: readonly Action[];
  /** The nodes that hold the token in memory at the start. */
  readonly warm: readonly number[];
  /** The nodes that give up on their first registration, which may arrive at any later time. */
  readonly registerLate: readonly number[];
  /** How many steps of others an abandoned request may lag behind. */
  readonly lateBy: number;
  /** How many steps of others the revocation may lag behind. */
  readonly revokeAfter: number;
  /**
   * For each look at how far the nodes are, whether a server answers it that was the primary before the revocation; after the last entry
   * none is.
   */
  readonly supersededLooks: readonly boolean[];
}

async function play(
  scheduler: fc.Scheduler,
  { actions, warm, registerLate, lateBy, revokeAfter, supersededLooks }: Play,
): Promise<{ calls: Call[]; revokeAnswered: number | undefined }> {
  const world: World = {
    nowMs: 0,
    lives: 0,
    epoch: 0,
    revoked: false,
    narrowings: [],
    rows: new Map(),
    promotions: 0,
    overtaken: { epoch: 0, revoked: false },
    misled: 0,
    moment: 0,
  };
  const firstEpoch = (): number => world.promotions * 2 ** 40;
  /** A commit that waits for the disk also brings everything there that was committed before it. */
  const reachDisk = (): void => {
    for (const row of world.rows.values()) row.onDisk = row.acknowledged;
  };
  const crashDatabase = (): void => {
    for (const row of world.rows.values()) row.acknowledged = row.onDisk;
    for (const each of nodes) each.cut();
  };
  const step = (label: string): Promise<void> => scheduler.schedule(Promise.resolve(), label);
  const listeners = new Set<LeaseEvents>();

  let looks = 0;
  const watch = watchNodes({
    clock: { monotonicMs: () => world.nowMs, now: () => new Date(world.nowMs) },
    askProgress: async () =>
      supersededLooks[looks++]
        ? { epoch: 0, acknowledged: [...world.rows.values()].map(() => 0) }
        : { epoch: world.epoch, acknowledged: [...world.rows.values()].map((row) => row.acknowledged) },
    pause: async () => {
      await step("somebody waits for the nodes");
      world.nowMs += 50;
    },
  });

  const life = (at: number) => {
    const number = `node ${at}`;
    let wallMs = 0;
    let broken = false;
    let givesUp = world.lives < 2 && registerLate.includes(at);
    let cut = (): void => undefined;
    const clock: Clock = { monotonicMs: () => world.nowMs, now: () => new Date(world.nowMs + wallMs) };
    const ask = async <Answer>(what: string, work: () => Answer): Promise<Answer> => {
      await step(`${number} sends: ${what}`);
      if (broken) throw new Error("The connection is cut.");
      if (givesUp) {
        givesUp = false;
        // The request is still on its way, in the network or at a server that stands still.
        const label = `what ${number} has given up is under way: ${what}`;
        void (async () => {
          for (let steps = 0; steps <= lateBy; steps += 1) await step(label);
          work();
        })();
        cut();
        throw new Error("The connection does not answer in time.");
      }
      const answer = work();
      await step(`${number} hears: ${what}`);
      return answer;
    };
    const store: LeaseStore = {
      register: ({ nodeId, insteadOf }) =>
        ask("register", () => {
          world.rows.delete(insteadOf);
          world.rows.set(nodeId, { renewals: 0, acknowledged: world.epoch, onDisk: world.epoch });
          reachDisk();
        }),
      async renew(nodeId, since) {
        const renewed = await ask("renew", () => {
          const row = world.rows.get(nodeId);
          if (row) row.renewals += 1;
          world.epoch = Math.max(world.epoch, firstEpoch());
          reachDisk();
          return { known: row !== undefined, databaseMs: world.nowMs };
        });
        return { ...renewed, ...(await store.readNews(nodeId, since)) };
      },
      readNews: (nodeId, since) =>
        ask("read narrowings", () => ({
          epoch: world.epoch,
          own: world.rows.get(nodeId)?.acknowledged,
          narrowings: world.narrowings.filter((narrowing) => narrowing.epoch > since),
        })),
      async acknowledge(nodeId, epoch) {
        const known = await ask("acknowledge", () => {
          const row = world.rows.get(nodeId);
          if (row) row.acknowledged = epoch;
          return row !== undefined;
        });
        void step("an acknowledgement is told").then(() => watch.wake());
        return known;
      },
      leave: async () => undefined,
      listNodes: async () => [],
      removeNode: async () => undefined,
      pruneNarrowings: async () => undefined,
    };
    const openConnection: OpenLeaseConnection = async (events) => {
      await step(`${number} connects`);
      broken = false;
      listeners.add(events);
      cut = () => {
        broken = true;
        listeners.delete(events);
        events.broken(new Error("The connection is cut."));
      };
      return { store, close: async () => void listeners.delete(events) };
    };
    const memory = createMemory<FoundToken>({ bytesMax: 1_000_000 });
    let registrations = 0;
    const life = ++world.lives;
    const node: Node = createNode({
      clock,
      log: silentLog(),
      newNodeId: () => `nod_${life}_${++registrations}`,
      name: number,
      memory,
      openConnection,
      readRenewedMs: async () => Number.POSITIVE_INFINITY,
      noteFailure: () => undefined,
      onAcknowledged: () => undefined,
    });
    const readToken: ReadToken = (_hash) =>
      ask("read the token", () => {
        const isMisled = world.misled > 0;
        if (isMisled) world.misled -= 1;
        const { epoch, revoked } = isMisled ? world.overtaken : world;
        return {
          epoch,
          found: {
            tokenId: "tok_modelled" as TokenId,
            applicationId: "app_modelled" as ApplicationId,
            tenant: { ifiId: "1" as IfiId, environment: "sandbox", fintechId: "f" as FintechId },
            clientId: "client",
            scopes: ["admin"],
            issuedAtMs: 0,
            addresses: { application: fromAnywhere, token: fromAnywhere },
            policy: "0.0",
            expiresAtMs: dayMs,
            expires: new Date(dayMs).toISOString(),
            refusal: revoked ? "token_revoked" : null,
          },
        };
      });
    return {
      node,
      check: createTokenCheck({ readToken, node, nodes: watch, memory }),
      cut: () => cut(),
      giveUp: () => {
        givesUp = true;
      },
      stepWall: (ms: number) => {
        wallMs += ms;
      },
    };
  };

  const nodes = [life(0), life(1)];
  const calls: Call[] = [];
  const call = async (check: TokenCheck): Promise<void> => {
    const made: Call = { sent: ++world.moment };
    calls.push(made);
    try {
      const found = await check.check(secret);
      made.outcome = found?.refusal === null ? "accepted" : "revoked";
      made.answered = ++world.moment;
    } catch {
      made.outcome = "unavailable";
    }
  };
  let revokeAnswered: number | undefined;
  const revoke = async (): Promise<void> => {
    for (let steps = 0; steps < revokeAfter; steps += 1) await step("nobody revokes yet");
    await step("revoke commits");
    world.revoked = true;
    world.epoch = Math.max(world.epoch, firstEpoch()) + 1;
    reachDisk();
    world.narrowings.push({ epoch: world.epoch, subjects: [subject] });
    for (const each of listeners) void step("a notification arrives").then(() => each.narrowed());
    const untilConfirmed = (): Promise<unknown> =>
      // A caller who is told that the revocation is not confirmed yet, since the server that answered had not seen it, asks again.
      watch.untilAllKnow(world.epoch).catch(untilConfirmed);
    await untilConfirmed();
    revokeAnswered = ++world.moment;
  };

  // Pauses are steps that the schedule postpones; time passes beside them.
  const perform = async (each: (typeof actions)[number]): Promise<void> => {
    await step(each.do);
    if (each.do === "wait") {
      world.nowMs += each.ms;
      return;
    }
    if (each.do === "the database crashes") return crashDatabase();
    if (each.do === "a standby is promoted") {
      world.overtaken = { epoch: world.epoch, revoked: world.revoked };
      world.misled = each.misled;
      world.promotions += 1;
      return crashDatabase();
    }
    const at = nodes[each.node];
    if (!at) return;
    switch (each.do) {
      case "check":
        // One after the other at either node, as a caller behind a load balancer does.
        for (let times = 0; times <= each.again; times += 1)
          await call((nodes[(each.node + times) % 2] as typeof at).check);
        return;
      case "renew":
        return at.node.renew().catch(() => undefined);
      case "cut":
        return at.cut();
      case "give up":
        return at.giveUp();
      case "step the wall clock":
        return at.stepWall(each.ms);
      case "crash":
        at.cut();
        nodes[each.node] = life(each.node);
        return;
      case "lose the row":
        // What another node does to one that was silent for 30 s; its lease ran out long before.
        world.nowMs += 30_000;
        world.rows.delete(at.node.nodeId);
        return;
      default:
        each satisfies never;
    }
  };
  // Twice, since a node may have no lease at the first call.
  for (const at of [...warm, ...warm])
    await scheduler.waitFor(call((nodes[at] as (typeof nodes)[number]).check));
  const everything = Promise.all([revoke(), ...actions.map(perform)]);
  await scheduler.waitFor(everything);
  // Finally ask every node, whatever is still under way.
  await scheduler.waitFor(Promise.all(nodes.map((each) => call(each.check))));
  await scheduler.waitIdle();
  return { calls, revokeAnswered };
}

/**
 * The number of runs that was asked for, however long they take. Without one, as many as there is time for: half a minute's work, of which
 * a busy machine does less.
 */
const asked = process.env.FUSION_TEST_MODEL_RUNS;
const runs = Number(asked ?? 800);
const limitMs = 90_000;

it("whatever the order of steps, no call is accepted that is sent after a revocation was answered, or anybody refused", {
  timeout: limitMs + (asked ? runs * 120 : 60_000),
}, async () => {
  const seen = { accepted: 0, revoked: 0, unavailable: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.record({
        actions: fc.array(action, { minLength: 4, maxLength: 25 }),
        warm: fc.subarray([0, 1]),
        registerLate: fc.subarray([0, 1]),
        lateBy: fc.nat(40),
        revokeAfter: fc.nat(30),
        supersededLooks: fc.array(fc.boolean(), { maxLength: 3 }),
      }),
      async (scheduler, played) => {
        const { calls, revokeAnswered } = await play(scheduler, played);
        expect(revokeAnswered).toBeDefined();
        for (const { sent, outcome = "unavailable" } of calls) {
          seen[outcome] += 1;
          if (sent > (revokeAnswered ?? 0)) expect(outcome).not.toBe("accepted");
          // Neither is one that was sent after any caller, at any node, was refused.
          if (calls.some((other) => other.outcome === "revoked" && sent > (other.answered ?? sent)))
            expect(outcome).not.toBe("accepted");
        }
      },
    ),
    // An interrupted run fails only if it found something, or if nothing ran at all.
    { numRuns: runs, ...(asked ? {} : { interruptAfterTimeLimit: limitMs }) },
  );
  // The property is not true merely because nobody was let through.
  expect(seen.accepted).toBeGreaterThan(200);
  expect(seen.revoked).toBeGreaterThan(200);
});
