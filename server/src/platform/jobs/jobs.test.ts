import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { systemScope } from "../database/database.ts";
import { type Log, silentLog } from "../log.ts";
import { createOutage } from "../outage.ts";
import { freeJobs } from "./free-jobs.ts";
import { addJob, type RoomJobs, type RunningJobs, startJobs } from "./jobs.ts";

let database: TestDatabase;
const running: RunningJobs[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((jobs) => jobs.stop()));
});
afterAll(() => database.drop());

async function start(
  rooms: readonly RoomJobs[],
  { log = silentLog(), ...options }: Partial<Parameters<typeof startJobs>[2]> & { log?: Log } = {},
): Promise<RunningJobs> {
  const jobs = await startJobs({ db: database.db, log }, rooms, { alone: false, ...options });
  running.push(jobs);
  return jobs;
}

const add = (task: string, payload: object, options?: Parameters<typeof addJob>[3]) =>
  database.db.transaction(systemScope, (tx) => addJob(tx, task, payload, options));

describe("a job", () => {
  it("runs when the transaction that left it has committed, and not when it has failed", async () => {
    const seen: unknown[] = [];
    await start([{ tasks: { kept: async (payload) => void seen.push(payload) } }]);
    await database.db
      .transaction(systemScope, async (tx) => {
        await addJob(tx, "kept", { id: "undone" });
        throw new Error("no");
      })
      .catch(() => undefined);
    await add("kept", { id: "done" });
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual([{ id: "done" }]);
    await sleep(100);
    expect(seen).toEqual([{ id: "done" }]);
  });

  it("that throws is tried again, and its payload stays out of the log", async () => {
    const lines: string[] = [];
    const log = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
    let tries = 0;
    await start(
      [
        {
          tasks: {
            flaky: async () => {
              tries += 1;
              if (tries === 1) throw new Error("not yet");
            },
          },
        },
      ],
      { log },
    );
    await add("flaky", { canary: "canary-4711" });
    await expect.poll(() => tries, { timeout: 15_000 }).toBe(2);
    expect(lines.join("")).toContain("not yet");
    expect(lines.join("")).not.toContain("canary-4711");
  });

  it("that fails because of an outage that the log knows is told when it is given up, without noise before", async () => {
    const lines: { level: number; msg: string }[] = [];
    const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const outage = createOutage(log, { part: "mail", gone: "gone", back: "back" });
    await start(
      [
        {
          tasks: {
            unlucky: async () => {
              const failure = new Error("unreachable");
              outage.failed(failure);
              throw failure;
            },
          },
        },
      ],
      { log },
    );
    await database.db.transaction(systemScope, (tx) => addJob(tx, "unlucky", {}, { attemptsMax: 2 }));
    await expect.poll(() => lines.length, { timeout: 15_000 }).toBe(2);
    expect(lines).toMatchObject([
      { level: 50, msg: "gone", reason: "unreachable" },
      { level: 50, msg: "a job failed and is given up", task: "unlucky", attempt: 2, attemptsMax: 2 },
    ]);
  });

  it("held by a killed process is free at once for one that works alone", async () => {
    await add("abandoned", {});
    await database.owner.query(
      "UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'killed-worker', attempts = 1",
    );
    const ran = vi.fn(async () => undefined);
    await start([{ tasks: { abandoned: ran } }], { alone: true });
    await expect.poll(() => ran.mock.calls.length, { timeout: 10_000 }).toBe(1);
  });

  it("held by a process that died is free at once when its part of the queue is named, and the others' stay theirs", async () => {
    const names: string[] = [];
    const running = await startJobs({ db: database.db, log: silentLog() }, [{ tasks: {} }], {
      alone: false,
      holdsJobsAs: (held) => void names.splice(0, names.length, ...held),
    });
    await running.stop();
    expect(names).toHaveLength(1);
    for (const holder of [...names, "somebody-else"]) {
      await add("held", { holder });
      await database.owner.query(
        "UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = $1 WHERE payload->>'holder' = $1",
        [holder],
      );
    }
    await freeJobs(database.db, names);
    const { rows } = await database.owner.query(
      "SELECT locked_by FROM graphile_worker._private_jobs WHERE payload->>'holder' IS NOT NULL AND locked_by IS NOT NULL",
    );
    expect(rows).toEqual([{ locked_by: "somebody-else" }]);
    await database.owner.query(
      "DELETE FROM graphile_worker._private_jobs WHERE payload->>'holder' IS NOT NULL",
    );
  });
});

describe("a job that is held here though nobody does it, as when its end could not be noted or a claim's answer got lost", () => {
  const names: string[] = [];
  const holdsJobsAs = (held: readonly string[]) => void names.splice(0, names.length, ...held);
  /** Like a job whose claim is committed but unknown here. */
  const addHeld = (task: string) =>
    database.db.transaction(systemScope, async (tx) => {
      await addJob(tx, task, {});
      await tx.query(
        `UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = $2, attempts = 1
         WHERE task_id = (SELECT id FROM graphile_worker._private_tasks WHERE identifier = $1)`,
        [task, names[0]],
      );
    });

  it("is done soon, and none that is under way is done twice", async () => {
    const work = Promise.withResolvers<void>();
    const ran: string[] = [];
    const slow = async () => {
      ran.push("slow");
      await work.promise;
    };
    const lost = async () => void ran.push("lost");
    await start([{ tasks: { slow, lost } }], { holdsJobsAs, lookEveryMs: 50 });
    await add("slow", {});
    await expect.poll(() => ran, { timeout: 10_000 }).toEqual(["slow"]);
    await addHeld("lost");
    await expect.poll(() => ran, { timeout: 10_000 }).toEqual(["slow", "lost"]);
    work.resolve();
  });

  it("is free for another process after the stop", async () => {
    const jobs = await start([{ tasks: {} }], { holdsJobsAs });
    await addHeld("left");
    await jobs.stop();
    const { rows } = await database.owner.query(
      "SELECT locked_by FROM graphile_worker.jobs WHERE task_identifier = 'left'",
    );
    expect(rows).toEqual([{ locked_by: null }]);
  });
});

describe("jobs that wait for servers of others", () => {
  it("hold up no others, however many hang, and none is done by two processes", async () => {
    const hanging = Promise.withResolvers<void>();
    const ran: string[] = [];
    const room: RoomJobs = {
      tasks: {
        mail: async (payload) => {
          ran.push((payload as { to: string }).to);
          await hanging.promise;
        },
        revoke: async () => void ran.push("revoked"),
      },
      outside: ["mail"],
    };
    await start([room]);
    await start([room]);
    for (let at = 0; at < 20; at += 1) await add("mail", { to: `${at}` });
    await expect.poll(() => ran.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(6);
    await add("revoke", {});
    // The hanging ones are released only then.
    await expect.poll(() => ran).toContain("revoked");
    hanging.resolve();
    await expect.poll(() => ran.length, { timeout: 10_000 }).toBe(21);
    expect(new Set(ran).size).toBe(21);
  });

  it("are refused at the start where there is no such task", async () => {
    await expect(start([{ tasks: {}, outside: ["nobody"] }])).rejects.toThrow("nobody");
  });
});

it("a job that goes first is done before all that were due earlier, left by a transaction as by the schedule", async () => {
  const ran: string[] = [];
  const prompts = (): number => ran.filter((task) => task === "prompt").length;
  /** Earlier jobs finish together with this, so that no place is free for more of them. */
  let hold = Promise.withResolvers<void>();
  // Before the slot that the schedule makes up for.
  const runAt = new Date(Date.now() - 600_000);
  for (let at = 0; at < 12; at += 1) await add("ordinary", {}, { runAt });
  await add("prompt", {}, { first: true });
  await database.owner.query(
    `INSERT INTO graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
     VALUES ('prompt', now() - interval '1 day', date_trunc('minute', now()) - interval '1 minute')`,
  );
  const leftBySchedule = async () =>
    (
      await database.owner.query(
        "SELECT FROM graphile_worker._private_jobs WHERE payload->'_cron' IS NOT NULL",
      )
    ).rows.length;
  try {
    await start([
      {
        tasks: {
          ordinary: async () => {
            ran.push("ordinary");
            await hold.promise;
          },
          prompt: async () => void ran.push("prompt"),
        },
        cron: [{ task: "prompt", schedule: "* * * * *", backfillMs: 60_000, first: true }],
      },
    ]);
    // Three are taken at once, each on a connection of its own, and any of the three may be reported first.
    await expect.poll(() => ran).toContain("prompt");
    expect(ran.indexOf("prompt")).toBeLessThan(3);
    await expect.poll(async () => prompts() >= 2 || (await leftBySchedule()) > 0).toBe(true);
    const held = hold;
    hold = Promise.withResolvers();
    held.resolve();
    await expect.poll(prompts).toBeGreaterThanOrEqual(2);
    // Three held the places until then, and two more were taken together with it.
    expect(ran.indexOf("prompt", ran.indexOf("prompt") + 1)).toBeLessThanOrEqual(6);
  } finally {
    hold.resolve();
  }
  await expect.poll(() => ran.length - prompts()).toBe(12);
});

it("a job that does not end holds no stop up, and is free for the next process", async () => {
  const work = Promise.withResolvers<void>();
  let runs = 0;
  const jobs = await startJobs(
    { db: database.db, log: silentLog() },
    [
      {
        tasks: {
          endless() {
            runs += 1;
            return work.promise;
          },
        },
      },
    ],
    { alone: false, stopDeadlineMs: 1_000 },
  );
  await add("endless", {});
  await expect.poll(() => runs, { timeout: 10_000 }).toBe(1);
  await jobs.stop();
  const { rows } = await database.owner.query(
    "SELECT locked_by FROM graphile_worker.jobs WHERE task_identifier = 'endless'",
  );
  work.resolve();
  expect(rows).toEqual([{ locked_by: null }]);
});

describe("a schedule", () => {
  it("runs each slot exactly once with two processes at work, those that were missed included", async () => {
    const slots: string[] = [];
    const room: RoomJobs = {
      tasks: {
        sweep: async (payload) => void slots.push((payload as { at: string }).at),
      },
      cron: [{ task: "sweep", schedule: "* * * * *", backfillMs: 5 * 60_000 }],
    };
    // As if it had last run seven minutes ago: five slots, two of them too old for the backfill.
    await database.owner.query(
      `INSERT INTO graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
       VALUES ('sweep', now() - interval '1 day', date_trunc('minute', now()) - interval '7 minutes')`,
    );
    await Promise.all([start([room]), start([room])]);
    await expect.poll(() => slots.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(5);
    await sleep(500);
    expect(new Set(slots).size).toBe(slots.length);
    // A minute may have begun meanwhile.
    expect(slots.length).toBeLessThanOrEqual(6);
    expect(slots.every((at) => at.endsWith(":00.000Z"))).toBe(true);
  });

  it("that names an unknown task, and two tasks of one name, are refused at the start", async () => {
    await expect(start([{ tasks: {}, cron: [{ task: "nobody", schedule: "0 * * * *" }] }])).rejects.toThrow(
      "nobody",
    );
    const one = { tasks: { same: async () => undefined } };
    await expect(start([one, one])).rejects.toThrow("same");
  });
});
