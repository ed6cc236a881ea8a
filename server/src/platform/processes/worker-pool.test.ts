import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../log.ts";
import { createWorkerPool, type WorkerPool } from "./worker-pool.ts";
import { WorkerUnable } from "./worker-unable.ts";

const workerFile = join(import.meta.dirname, "../../testing/pool-worker.ts");

/** How the workers started from now on behave. */
let behaviour: string;
let forked: ChildProcess[];
let pool: WorkerPool;
let askEveryMs: number;
let jobsLeft: string[];
let server: Server;
let port: number;

beforeEach(async () => {
  behaviour = "serve";
  forked = [];
  jobsLeft = [];
  askEveryMs = 10_000;
  server = createServer({ pauseOnConnect: true }, (connection) => pool.hand(connection));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as { port: number });
  arrangePool();
});
function arrangePool(): void {
  pool = createWorkerPool({
    count: 2,
    log: silentLog(),
    fork() {
      const child = fork(workerFile, [behaviour], { execArgv: [] });
      forked.push(child);
      return child;
    },
    onJobsLeft: (holders) => void jobsLeft.push(...holders),
    leaveDeadlineMs: 5_000,
    askEveryMs,
    takenSoonMs: 50,
  });
}
afterEach(async () => {
  await pool.stop({ announcedForMs: 0 });
  server.close();
  expect(forked.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)).toEqual([]);
});

/** The worker that answers a new connection, which stays open. */
async function whoAnswersAndKeeps(): Promise<{ readonly pid: number; readonly connection: Socket }> {
  const connection = connect(port, "127.0.0.1");
  const [said] = await once(connection, "data");
  return { pid: Number(said), connection };
}
/** The worker that answers a new connection. */
async function whoAnswers(): Promise<number> {
  const { pid, connection } = await whoAnswersAndKeeps();
  connection.destroy();
  return pid;
}
const pids = (): number[] => forked.map(({ pid }) => pid ?? 0);

describe("a pool", () => {
  it("hands connections to its workers in turn", async () => {
    await pool.start();
    // Kept open: a worker reports only after a while that a connection was closed, and until then counts one too many.
    const kept: Awaited<ReturnType<typeof whoAnswersAndKeeps>>[] = [];
    for (let at = 0; at < 6; at += 1) kept.push(await whoAnswersAndKeeps());
    for (const { connection } of kept) connection.destroy();
    const answers = kept.map(({ pid }) => pid);
    const [one, other] = answers;
    expect(answers).toEqual([one, other, one, other, one, other]);
    expect(pids()).toContain(one);
    expect(one).not.toBe(other);
  });

  it("keeps connections until a worker is there to take them", async () => {
    const answers = [whoAnswers(), whoAnswers(), whoAnswers()];
    await sleep(50);
    await pool.start();
    for (const answer of await Promise.all(answers)) expect(pids()).toContain(answer);
  });

  it("gives a connection that is on its way to a worker when it dies to another one", async () => {
    await pool.start();
    const [stopped, other] = forked as [ChildProcess, ChildProcess];
    stopped.kill("SIGSTOP");
    // One of them goes to the stopped worker and waits there; the other worker answers the rest.
    const answers = [whoAnswers(), whoAnswers(), whoAnswers()];
    await sleep(200);
    stopped.kill("SIGKILL");
    for (const answer of await Promise.all(answers)) expect([other.pid, forked[2]?.pid]).toContain(answer);
  });

  it("passes on what each worker tells about itself", async () => {
    await pool.start();
    expect((await pool.figures()).toSorted()).toEqual(
      pids()
        .map((pid) => `figures of ${pid}`)
        .toSorted(),
    );
  });
});

describe("a worker that cannot start", () => {
  it("ends the start of the pool with its sentence", async () => {
    behaviour = "unable";
    await expect(pool.start()).rejects.toThrow(new WorkerUnable("There is no room."));
  });

  it("ends the start of the pool when it says nothing, too", async () => {
    behaviour = "crash";
    await expect(pool.start()).rejects.toThrow("A worker ended while it started (code 3).");
  });

  it("ends the pool when no other one serves and it was tried again and again", async () => {
    await pool.start();
    behaviour = "unable";
    for (const child of [...forked]) child.kill("SIGKILL");
    await expect(pool.lost).rejects.toThrow("There is no room.");
    expect(forked.length).toBeGreaterThan(5);
  });

  it("leaves the old ones serving when all were to be replaced", async () => {
    await pool.start();
    const old = pids();
    behaviour = "unable";
    expect(await pool.replaceAll()).toBe(false);
    behaviour = "serve";
    expect(old).toContain(await whoAnswers());
    expect(pool.counts()).toMatchObject({ serving: 2, leaving: 0 });
  });
});

describe("a worker that dies", () => {
  it("is replaced at once", async () => {
    await pool.start();
    const [victim] = forked as [ChildProcess];
    const died = once(victim, "exit");
    victim.kill("SIGKILL");
    await died;
    // Everybody who heard of it has reacted by then, and no new worker can have sent anything yet.
    await new Promise((resolve) => setImmediate(resolve));
    expect(pool.counts().serving).toBe(1);
    await expect.poll(() => pool.counts().serving).toBe(2);
  });

  it("again and again is started after growing pauses", async () => {
    await pool.start();
    behaviour = "short-lived";
    const killedAt = performance.now();
    forked[0]?.kill("SIGKILL");
    // At 0, 250, 750, 1,750 and 3,750 ms, each later by the time that the starts take.
    await expect.poll(() => forked.length - 2, { timeout: 20_000, interval: 5 }).toBeGreaterThanOrEqual(4);
    expect(performance.now() - killedAt).toBeGreaterThanOrEqual(1_700);
  });
});

describe("a worker that may open no more files, and so gets no connection", () => {
  /** Limits the highest number that the system gives to a file that it opens from now on. */
  const limitFiles = ({ pid }: ChildProcess, most: number): void =>
    void execFileSync("prlimit", ["--pid", String(pid), `--nofile=${most}:`]);

  it("loses none of them, and gets them again when it may", async () => {
    await pool.start();
    const [full, other] = forked as [ChildProcess, ChildProcess];
    limitFiles(full, 3);
    const answers = await Promise.all([whoAnswers(), whoAnswers()]);
    expect(answers).toEqual([other.pid, other.pid]);
    limitFiles(full, 1_000);
    await expect.poll(whoAnswers).toBe(full.pid);
    expect(forked).toHaveLength(2);
  });

  it("again and again is replaced, and finishes what it has", async () => {
    await pool.start();
    // One each, so that they have equally many.
    const kept = [await whoAnswersAndKeeps(), await whoAnswersAndKeeps()];
    const [full] = forked as [ChildProcess];
    limitFiles(full, 3);
    const ask = (): Promise<number> => whoAnswers().then(() => forked.length);
    await expect.poll(ask, { timeout: 10_000 }).toBe(3);
    for (const { connection } of kept) connection.destroy();
    await expect.poll(pool.counts, { timeout: 10_000 }).toEqual({ serving: 2, starting: 0, leaving: 0 });
    expect(full.exitCode).toBe(0);
  });
});

describe("the jobs of a worker", () => {
  const held = (): string[] => forked.map(({ pid }) => `jobs of ${pid}`).toSorted();

  it("that ends in order are its own affair", async () => {
    await pool.start();
    await pool.stop({ announcedForMs: 0 });
    expect(jobsLeft).toEqual([]);
  });

  it("that dies while it leaves, or after it has begun to work and before it serves, are told of", async () => {
    behaviour = "dies-leaving";
    await pool.start();
    await pool.stop({ announcedForMs: 0 });
    expect(jobsLeft.toSorted()).toEqual(held());
    forked = [];
    jobsLeft = [];
    behaviour = "dies-working";
    arrangePool();
    await expect(pool.start()).rejects.toThrow("code 6");
    await pool.stop({ announcedForMs: 0 });
    expect(jobsLeft.toSorted()).toEqual(held());
  });
});

describe("a worker that hangs", () => {
  it("is replaced, and a connection on its way to it goes to another one", async () => {
    askEveryMs = 100;
    arrangePool();
    await pool.start();
    const [hanging] = forked as [ChildProcess];
    hanging.kill("SIGSTOP");
    const answers = await Promise.all([whoAnswers(), whoAnswers(), whoAnswers()]);
    expect(answers).not.toContain(hanging.pid);
    await expect.poll(() => hanging.signalCode).toBe("SIGKILL");
    await expect.poll(() => pool.counts().serving, { timeout: 10_000 }).toBe(2);
  });

  it("for a moment only goes on", async () => {
    askEveryMs = 1_200;
    arrangePool();
    await pool.start();
    const [slow] = forked as [ChildProcess];
    let answers = 0;
    slow.on("message", ({ kind }: { kind?: string }) => {
      if (kind === "alive") answers += 1;
    });
    // It leaves one question unanswered each time: in all, one more than it may in a row.
    for (let time = 0; time < 4; time += 1) {
      const before = answers;
      slow.kill("SIGSTOP");
      await sleep(askEveryMs + 100);
      slow.kill("SIGCONT");
      await expect.poll(() => answers).toBeGreaterThan(before);
    }
    expect(slow.signalCode).toBe(null);
    expect(forked).toHaveLength(2);
  });
});

it("replaces all workers, new ones before old ones", async () => {
  await pool.start();
  const old = pids();
  let least = 2;
  const watch = setInterval(() => {
    least = Math.min(least, pool.counts().serving);
  }, 1);
  expect(await pool.replaceAll()).toBe(true);
  clearInterval(watch);
  expect(least).toBe(2);
  expect(old).not.toContain(await whoAnswers());
  expect(pool.counts()).toEqual({ serving: 2, starting: 0, leaving: 0 });
});

describe("a worker that dies while another is started to replace it", () => {
  it("is replaced by that one alone", async () => {
    await pool.start();
    behaviour = "slow-to-start";
    const replaced = pool.replaceAll();
    await expect.poll(() => forked.length).toBe(3);
    forked[0]?.kill("SIGKILL");
    expect(await replaced).toBe(true);
    // Longer than starting another worker takes.
    await sleep(500);
    expect([forked.length, pool.counts()]).toEqual([4, { serving: 2, starting: 0, leaving: 0 }]);
  });

  it("is replaced by a further one when that cannot start", async () => {
    await pool.start();
    behaviour = "dies-working";
    const replaced = pool.replaceAll();
    await expect.poll(() => forked.length).toBe(3);
    behaviour = "serve";
    forked[0]?.kill("SIGKILL");
    expect(await replaced).toBe(false);
    await expect.poll(pool.counts, { timeout: 10_000 }).toMatchObject({ serving: 2, starting: 0 });
    expect(forked).toHaveLength(4);
  });
});
