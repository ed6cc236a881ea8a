import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ManualClock, manualClock, systemClock } from "../platform/clock.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, latestEpoch } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeToken } from "../testing/token-fixture.ts";
import { joinNodes } from "./join-nodes.ts";
import type { LeaseEvents } from "./lease-connection.ts";
import { createMemory } from "./memory.ts";
import { createNode, type Node } from "./node.ts";
import { createNodes } from "./nodes.ts";

let database: TestDatabase;
const running: Node[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const node of running.splice(0)) await node.close();
  // A node that lost its connection leaves its row to the others.
  await database.owner.query("DELETE FROM node");
});
afterAll(() => database.drop());

function join(clock: ManualClock = manualClock("2026-11-27T00:00:00Z")) {
  const memory = createMemory<string>({ bytesMax: 1_000_000 });
  const joined = joinNodes({
    db: database.db,
    clock,
    random: systemRandom,
    log: silentLog(),
    memory,
    name: "test",
  });
  running.push(joined.node);
  return { ...joined, memory, clock };
}
async function rows() {
  const { rows: found } = await database.owner.query(
    "SELECT node_id, acknowledged_epoch::float8 AS epoch FROM node",
  );
  return new Map(found.map((row) => [row.node_id, row.epoch]));
}
async function changeSomething(): Promise<void> {
  const fintech = await arrangeFintech(database.owner);
  await database.owner.query("UPDATE fintech SET suspended_at = now() WHERE fintech_id = $1", [
    fintech.fintechId,
  ]);
}
/** Runs `work` as on a server of this timeline. The failover tests have real ones. */
async function onTimeline(timeline: number, work: () => Promise<void>): Promise<void> {
  const { rows: own } = await database.owner.query(
    "SELECT pg_get_functiondef('first_epoch'::regproc) AS text",
  );
  await database.owner.query(
    `CREATE OR REPLACE FUNCTION first_epoch() RETURNS bigint LANGUAGE sql AS 'SELECT ${timeline - 1}::bigint << 40'`,
  );
  try {
    await work();
  } finally {
    await database.owner.query(own[0]?.text);
  }
}

describe("a lease", () => {
  it("is had on demand, holds for 1.8 s of the monotonic clock, and is renewed on demand", async () => {
    const { node, clock } = join();
    expect(node.lease.holds()).toBe(false);
    await node.untilLease();
    expect(node.lease.holds()).toBe(true);
    clock.advanceMs(1_799);
    expect(node.lease.holds()).toBe(true);
    clock.advanceMs(1);
    expect(node.lease.holds()).toBe(false);
    await node.untilLease();
    expect(node.lease.holds()).toBe(true);
    await node.close();
  });

  it("ends when wall and monotonic clock part, as after a sleep of the machine", async () => {
    const { node, clock } = join();
    await node.untilLease();
    clock.set(new Date(clock.now().getTime() + 101));
    expect(node.lease.holds()).toBe(false);
    await node.close();
  });

  it("is refused with token_state_unknown when the database does not answer", async () => {
    const { node } = joinNodes({
      db: { ...database.db, connectApart: () => Promise.reject(new Error("no database")) },
      clock: systemClock,
      random: systemRandom,
      log: silentLog(),
      memory: createMemory<string>({ bytesMax: 1 }),
      name: "test",
    });
    await expect(node.untilLease()).rejects.toMatchObject({
      kind: "unavailable",
      code: "token_state_unknown",
    });
    await node.close();
  });
});

describe("a node", () => {
  it("forgets and acknowledges at once when something was changed, whoever changed it", async () => {
    const { node } = join(manualClock("2026-11-27T00:00:00Z"));
    node.start();
    await node.untilLease();
    await changeSomething();
    const { confirmed, total } = await createNodes({ db: database.db, clock: systemClock }).untilAllKnow(
      await latestEpoch(database.owner),
    );
    expect([confirmed, total]).toEqual([1, 1]);
    expect((await rows()).get(node.nodeId)).toBe(node.epoch());
    await node.close();
    expect((await rows()).has(node.nodeId)).toBe(false);
  });

  it("forgets everything when more was changed at once than can be read within a lease", async () => {
    const { node, memory } = join();
    await node.untilLease();
    const reading = { facts: "facts", groups: [], refused: false, bytes: 1 };
    memory.fill("token", { ...reading, epoch: node.epoch() });
    await database.owner.query("UPDATE narrowing_clock SET epoch = epoch + 1");
    await database.owner.query(
      "INSERT INTO narrowing SELECT epoch, 'token/' || number FROM narrowing_clock, generate_series(1, 200000) AS number",
    );
    await node.renew();
    expect(memory.find("token")).toBeUndefined();
    expect(memory.fill("token", { ...reading, epoch: node.epoch() - 1 })).toBe("superseded");
    expect(node.lease.holds()).toBe(true);
    expect((await rows()).get(node.nodeId)).toBe(await latestEpoch(database.owner));
    await database.owner.query("TRUNCATE narrowing");
  });

  it("begins anew when a standby was promoted, and believes nothing any more that the server before it says", async () => {
    const { node, memory } = join();
    await node.untilLease();
    const overtaken = node.epoch();
    const nobodys = { facts: undefined, groups: [], refused: true, bytes: 0 };
    expect(memory.fill("generated since", { ...nobodys, epoch: overtaken })).toBe("kept");
    await onTimeline(2, async () => {
      await node.renew();
      expect(node.lease.holds()).toBe(true);
      expect(node.epoch()).toBe(2 ** 40);
      expect((await rows()).get(node.nodeId)).toBe(2 ** 40);
      expect(memory.find("generated since")).toBeUndefined();
      expect(memory.fill("generated since", { ...nobodys, epoch: overtaken })).toBe("superseded");
      await changeSomething();
      expect(await latestEpoch(database.owner)).toBe(2 ** 40 + 1);
      // It begins anew only once.
      await node.renew();
      memory.fill("used since", { ...nobodys, epoch: node.epoch() });
      await node.renew();
      expect(memory.find("used since")).toBeDefined();
    });
  });

  it("takes numbers of a promoted server for what is changed before any node has come to it", async () => {
    const before = await latestEpoch(database.owner);
    await onTimeline(4, changeSomething);
    expect(before).toBeLessThan(3 * 2 ** 40);
    expect(await latestEpoch(database.owner)).toBe(3 * 2 ** 40 + 1);
  });

  it("that is told of a narrowing forgets and acknowledges, without renewing its lease", async () => {
    const { node } = join();
    await node.untilLease();
    const leftMs = node.lease.leftMs();
    const epoch = node.epoch();
    await changeSomething();
    expect(
      await createNodes({ db: database.db, clock: systemClock }).untilAllKnow(
        await latestEpoch(database.owner),
      ),
    ).toEqual({
      confirmed: 1,
      total: 1,
    });
    expect(node.epoch()).toBe(epoch + 1);
    expect(node.lease.leftMs()).toBe(leftMs);
    const { rows: found } = await database.owner.query("SELECT renewals::int FROM node");
    expect(found).toEqual([{ renewals: 1 }]);
    await node.close();
  });

  it("reads again what it had seen but could not acknowledge, for a failover may put something else in its place", async () => {
    const asked: string[] = [];
    let events: LeaseEvents | undefined;
    let [epoch, own, reachable] = [7, 7, true];
    const narrowed = createMemory<string>({ bytesMax: 1_000 });
    const node = createNode({
      clock: manualClock("2026-11-27T00:00:00Z"),
      log: silentLog(),
      newNodeId: () => "nod_seeing",
      name: "test",
      memory: narrowed,
      noteFailure: () => undefined,
      onAcknowledged: () => undefined,
      readRenewedMs: async () => 0,
      openConnection: async (told) => {
        events = told;
        return {
          close: async () => undefined,
          store: {
            register: async () => undefined,
            renew: async (_nodeId, since) => {
              asked.push(`renew since ${since}`);
              return { known: true, databaseMs: 0, epoch, own, narrowings: [] };
            },
            readNews: async (_nodeId, since) => {
              asked.push(`read since ${since}`);
              return { epoch, own, narrowings: [{ epoch, subjects: [] }] };
            },
            acknowledge: async (_nodeId, known) => {
              if (!reachable) throw new Error("The primary is gone.");
              own = known;
              asked.push(`acknowledge ${known}`);
              return true;
            },
            listNodes: async () => [],
            removeNode: async () => undefined,
            leave: async () => undefined,
            pruneNarrowings: async () => undefined,
          },
        };
      },
    });
    await node.untilLease();
    asked.length = 0;
    [epoch, reachable] = [8, false];
    events?.narrowed();
    await expect.poll(() => asked).toEqual(["read since 7"]);
    reachable = true;
    await node.renew();
    expect(asked).toEqual(["read since 7", "renew since 7", "acknowledge 8"]);

    // A failover loses epoch 8 and its acknowledgement. Something else comes in its place, or after it.
    for (const later of [8, 9]) {
      narrowed.fill("a", { facts: "facts", epoch: 9, groups: [], refused: false, bytes: 0 });
      [epoch, own] = [later, 7];
      asked.length = 0;
      await node.renew();
      expect(narrowed.find("a")).toBeUndefined();
      expect(asked.at(-1)).toBe(`acknowledge ${later}`);
    }
    await node.close();
  });

  it("whose commits are not seen where tokens are read has no lease, until they are: its two ways lead to two databases", async () => {
    let elsewhere = true;
    const { node } = joinNodes({
      db: {
        ...database.db,
        queryUnscoped: async (...statement) => (elsewhere ? [] : database.db.queryUnscoped(...statement)),
      },
      clock: manualClock("2026-11-27T00:00:00Z"),
      random: systemRandom,
      log: silentLog(),
      memory: createMemory<string>({ bytesMax: 1_000_000 }),
      name: "test",
    });
    running.push(node);
    // It may have a lease for a moment.
    await node.renew();
    await expect.poll(() => node.lease.holds()).toBe(false);
    await expect(node.untilLease()).rejects.toMatchObject({ code: "token_state_unknown" });
    elsewhere = false;
    await node.untilLease();
    await node.renew();
    expect(node.lease.holds()).toBe(true);
    await node.close();
  });

  it("that lost its row starts with an empty memory", async () => {
    const { node, memory } = join();
    await node.untilLease();
    memory.fill("a", { facts: "facts", epoch: node.epoch(), groups: [], refused: false, bytes: 0 });
    await database.owner.query("DELETE FROM node WHERE node_id = $1", [node.nodeId]);
    expect(memory.find("a")).toBeDefined();
    await node.renew();
    expect(memory.find("a")).toBeUndefined();
    expect((await rows()).has(node.nodeId)).toBe(true);
    await node.close();
  });

  it("that is silent for 30 s by another's clock loses its row; one that lives never does", async () => {
    const silent = join();
    await silent.node.untilLease();
    const living = join();
    await living.node.untilLease();
    const watching = join();
    const pass = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        watching.clock.advanceMs(1_000);
        await watching.node.renew();
        await living.node.renew();
      }
    };
    await pass(20);
    // What it reports of the nodes meanwhile.
    expect(watching.node.nodesSeen()).toEqual({ live: 2, silent: 1 });
    await pass(30);
    expect(watching.node.nodesSeen()).toEqual({ live: 2, silent: 0 });
    const left = await rows();
    expect(left.has(silent.node.nodeId)).toBe(false);
    expect(left.has(living.node.nodeId)).toBe(true);
    for (const { node } of [silent, living, watching]) await node.close();
  });

  it("hears of what it missed while its connection was cut", async () => {
    const fintech = await arrangeFintech(database.owner);
    const applicationId = await arrangeApplication(database.owner, fintech);
    const person = await arrangeUser(database.owner, fintech, "fintech_admin");
    const { tokenId } = await arrangeToken(database.owner, applicationId, person);
    const { node } = join();
    await node.untilLease();
    const before = node.epoch();
    await database.owner.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%node%' AND pid <> pg_backend_pid()",
    );
    await database.owner.query(
      `UPDATE token SET revoked_at = now(), revoked_by = 'x', revoked_by_kind = 'system', revoked_by_name = 'x',
         revoke_reason = 'replaced' WHERE token_id = $1`,
      [tokenId],
    );
    await expect
      .poll(() =>
        node.renew().then(
          () => node.epoch(),
          () => undefined,
        ),
      )
      .toBeGreaterThan(before);
    await node.close();
  });
});

describe("whoever waits for the nodes", () => {
  it("waits for none when none is registered", async () => {
    expect(
      await createNodes({ db: database.db, clock: systemClock }).untilAllKnow(
        await latestEpoch(database.owner),
      ),
    ).toEqual({
      confirmed: 0,
      total: 0,
    });
  });

  it("waits 2.2 s for one that does not answer, and then knows that its lease is over", async () => {
    const frozen = join();
    await frozen.node.untilLease();
    await frozen.node.close();
    await database.owner.query(
      `INSERT INTO node (node_id, name, started_at, renewed_at, acknowledged_epoch)
       SELECT 'nod_frozen', 'frozen', now(), now(), epoch FROM narrowing_clock`,
    );
    await changeSomething();
    const clock = manualClock("2026-11-27T00:00:00Z");
    let done: unknown;
    const waiting = createNodes({ db: database.db, clock })
      .untilAllKnow(await latestEpoch(database.owner))
      .then((count) => {
        done = count;
      });
    clock.advanceMs(2_150);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(done).toBeUndefined();
    clock.advanceMs(60);
    await waiting;
    expect(done).toEqual({ confirmed: 0, total: 1 });
    await database.owner.query("DELETE FROM node WHERE node_id = 'nod_frozen'");
  });

  it("believes no server that is behind what this process was told, though all nodes have acknowledged what that knows", async () => {
    const clock = manualClock("2026-11-27T00:00:00Z");
    const epoch = 7;
    let known = 7;
    const nodes = createNodes({
      db: { queryUnscoped: async () => [{ epoch: String(epoch), acknowledged: [String(epoch)] }] as never },
      clock,
      knownEpoch: () => known,
    });
    expect(await nodes.untilAllKnow(7)).toEqual({ confirmed: 1, total: 1 });
    known = 8;
    const behind = [nodes.untilAllKnow(7), nodes.untilAllKnow(8)];
    setTimeout(() => clock.advanceMs(2_300), 50);
    for (const each of behind) await expect(each).rejects.toMatchObject({ code: "change_unconfirmed" });
  });

  it("believes no server that does not show the change, though this process was told no more by any", async () => {
    const clock = manualClock("2026-11-27T00:00:00Z");
    let epoch = 7;
    const nodes = createNodes({
      db: { queryUnscoped: async () => [{ epoch: String(epoch), acknowledged: [String(epoch)] }] as never },
      clock,
      knownEpoch: () => 7,
    });
    let done = false;
    const waiting = nodes.untilAllKnow(8).then((count) => {
      done = true;
      return count;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(done).toBe(false);
    epoch = 8;
    expect(await waiting).toEqual({ confirmed: 1, total: 1 });
  });

  it("waits for no later change than the one that it was asked about", async () => {
    const nodes = createNodes({
      db: { queryUnscoped: async () => [{ epoch: "9", acknowledged: ["8"] }] as never },
      clock: manualClock("2026-11-27T00:00:00Z"),
    });
    expect(await nodes.untilAllKnow(8)).toEqual({ confirmed: 1, total: 1 });
  });

  it("is told change_unconfirmed when the database cannot be asked to the end", async () => {
    const clock = manualClock("2026-11-27T00:00:00Z");
    const nodes = createNodes({
      db: { queryUnscoped: () => Promise.reject(new Error("no database")) },
      clock,
    });
    const waiting = nodes.untilAllKnow(1);
    setTimeout(() => clock.advanceMs(2_300), 50);
    await expect(waiting).rejects.toMatchObject({ kind: "unavailable", code: "change_unconfirmed" });
  });
});
