import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, describe, expect, inject, it, vi } from "vitest";
import { withClient } from "./platform/database/with-client.ts";
import { freePort } from "./testing/free-port.ts";
import { startLoad } from "./testing/keep-alive-load.ts";
import { callersOf, postgresProcesses, workersOf } from "./testing/program-processes.ts";
import { makeDataFolder, type RunningProgram, startProgram } from "./testing/running-program.ts";

// The real program with its workers, replaced and killed for real. Each start takes a second or two, many more on a busy machine.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 90_000 });
const patient = { timeout: 60_000 };

const startFile = join(import.meta.dirname, "../bin/start.mjs");
const withWorkers: [string, ...string[]] = [process.execPath, startFile, "--workers", "2"];
const running: RunningProgram[] = [];
const folders: string[] = [];

async function start(
  environment: Record<string, string>,
  options: Parameters<typeof startProgram>[1] = {},
): Promise<RunningProgram> {
  const program = startProgram(
    { PORT: String(await freePort()), ...environment },
    { command: withWorkers, ...options },
  );
  running.push(program);
  return program;
}

function folder(): string {
  const made = makeDataFolder();
  folders.push(made);
  return made;
}
const dataFolder = folder();

const workers = (program: RunningProgram): number[] => workersOf(program.child.pid ?? 0);
/** The log's lines about workers. */
const lines = (program: RunningProgram): { msg: string; reason?: string }[] =>
  program
    .stderr()
    .split("\n")
    .filter((line) => line.includes('"part":"workers"'))
    .map((line) => JSON.parse(line));

afterEach(async () => {
  for (const program of running.splice(0)) await program.end("SIGTERM");
});
afterAll(() => {
  for (const made of folders) {
    for (const pid of postgresProcesses(made)) process.kill(pid, "SIGKILL");
    rmSync(dirname(made), { recursive: true, force: true });
  }
});

// A page, a request that asks the database, and one that is refused without it; at this rate none of them meets a limit.
const paths = { "/healthz": 200, "/": 200, "/api/v1/ifi/1/accounts": 401, "/readyz": 200 };

describe("a program with workers", () => {
  it("greets once, spreads connections over its workers, and stops whole on a Ctrl-C that reaches all its processes", async () => {
    const program = await start({ DATA_DIR: dataFolder }, { ownGroup: true });
    await program.ready();
    const greetings = () => program.stdout().match(/is running with 2 workers\./g) ?? [];
    await expect.poll(greetings, patient).toHaveLength(1);
    const [first = 0, second = 0] = workers(program);
    const load = startLoad(program.url, { connections: 16, paths: { "/healthz": 200 } });
    await expect.poll(load.answered, patient).toBeGreaterThan(50);
    for (const pid of [first, second]) expect(callersOf(pid).size).toBeGreaterThan(0);
    await load.stop();
    expect(load.failures()).toEqual([]);

    process.kill(-(program.child.pid ?? 0), "SIGINT");
    expect(await program.exited()).toBe(0);
    expect(program.stdout()).toMatch(/Stopped\.\n$/);
    expect(greetings()).toHaveLength(1);
    expect(lines(program)).toEqual([]);
    expect(postgresProcesses(dataFolder)).toEqual([]);
    for (const pid of [first, second]) expect(() => process.kill(pid, 0)).toThrow();
  });

  it("replaces its workers on SIGHUP without failing a request", async () => {
    const program = await start({ DATA_DIR: dataFolder });
    await program.ready();
    const before = workers(program);
    const load = startLoad(program.url, { connections: 16, paths });
    await expect.poll(load.answered, patient).toBeGreaterThan(50);
    program.child.kill("SIGHUP");
    await expect.poll(() => program.stdout(), patient).toContain("Replaced.\n");
    const answered = load.answered();
    await expect.poll(load.answered, patient).toBeGreaterThan(answered + 50);
    await load.stop();
    expect(load.failures()).toEqual([]);
    const after = workers(program);
    expect(after).toHaveLength(2);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    expect(lines(program)).toEqual([]);
  });

  it("loses, when a worker is killed, only what was in flight on it, and starts another", async () => {
    const program = await start({ DATA_DIR: dataFolder });
    await program.ready();
    const load = startLoad(program.url, { connections: 16, paths });
    await expect.poll(load.answered, patient).toBeGreaterThan(50);
    for (let kills = 1; kills <= 3; kills += 1) {
      const before = workers(program);
      const [victim = 0] = before;
      const failedBefore = load.failures().length;
      const onVictim = callersOf(victim);
      process.kill(victim, "SIGKILL");
      await expect.poll(() => workers(program).filter((pid) => pid !== victim), patient).toHaveLength(2);
      const answered = load.answered();
      await expect.poll(load.answered, patient).toBeGreaterThan(answered + 50);
      const failed = load.failures().slice(failedBefore);
      expect(onVictim.size).toBeGreaterThan(0);
      expect(failed.filter(({ port }) => !onVictim.has(port ?? 0))).toEqual([]);
      expect(failed.length).toBeLessThanOrEqual(onVictim.size);
      expect(lines(program)).toHaveLength(kills);
    }
    await load.stop();
    expect(new Set(lines(program).map(({ msg }) => msg))).toEqual(
      new Set(["a worker ended; another is started in its place"]),
    );
  });

  it("shows in its one inbox what any worker sent, and takes commands beside it", async () => {
    const program = await start({ DATA_DIR: dataFolder });
    await program.ready();
    const started = await fetch(`${program.url}/console/api/login/start`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close", origin: program.url },
      body: JSON.stringify({ identifier: "9000000001" }),
    });
    expect(started.ok).toBe(true);
    const inbox = async (): Promise<unknown[]> => {
      const answer = await fetch(`${program.url}/dev/inbox`, {
        headers: { accept: "application/json", connection: "close" },
      });
      const messages = (await answer.json()) as { to: string; text: string }[];
      return messages.filter(({ to, text }) => to === "+919000000001" && /\b\d{6}\b/.test(text));
    };
    await expect.poll(inbox, patient).toHaveLength(1);
    // Each of these comes on a connection of its own, so both workers are asked.
    for (const messages of await Promise.all(Array.from({ length: 4 }, inbox)))
      expect(messages).toHaveLength(1);

    const command = join(import.meta.dirname, "../bin/fusion.mjs");
    const { stdout } = await promisify(execFile)(process.execPath, [command, "tokens", "list", "--json"], {
      env: { PATH: process.env.PATH ?? "", DATA_DIR: dataFolder },
    });
    expect(JSON.parse(stdout)).toBeDefined();
  });

  it("leaves no worker behind when the supervisor is killed, and starts again", async () => {
    const first = await start({ DATA_DIR: dataFolder });
    await first.ready();
    const left = workers(first);
    expect(await first.end("SIGKILL")).toBe(null);
    const second = await start({ DATA_DIR: dataFolder });
    await second.ready();
    const alive = (): number[] =>
      left.filter((pid) => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      });
    await expect.poll(alive, { timeout: 30_000 }).toEqual([]);
  });

  it("answers for as long as it announces its end, fails no request, and ends with 0", async () => {
    const program = await start({ DATA_DIR: dataFolder, FUSION_DRAIN_SECONDS: "2" });
    await program.ready();
    const load = startLoad(program.url, { connections: 8, paths: { "/healthz": 200 } });
    program.child.kill("SIGTERM");
    const ready = async (): Promise<number> =>
      (await fetch(`${program.url}/readyz`, { headers: { connection: "close" } })).status;
    await expect.poll(ready, { interval: 20 }).toBe(503);
    const answered = load.answered();
    await sleep(1_000);
    expect(load.answered()).toBeGreaterThan(answered);
    expect(await ready()).toBe(503);
    // As a load balancer would by then.
    await load.stop();
    expect(load.failures()).toEqual([]);
    expect(await program.exited()).toBe(0);
    expect(lines(program)).toEqual([]);
  });

  it("says in one sentence what it does not understand", async () => {
    const program = await start(
      { DATA_DIR: dataFolder },
      { command: [process.execPath, startFile, "--workers", "0"] },
    );
    expect(await program.exited()).toBe(1);
    expect(program.stderr()).toBe(
      "Fusion cannot start: a setting is wrong.\n  FUSION_WORKERS must be a number from 1 to 64\n",
    );
  });
});

describe("several programs on one external database", () => {
  it("prepare an empty one once when they start at once, and do not start on a schema that a newer release broke", async () => {
    const name = `test_${randomBytes(8).toString("hex")}`;
    const url = (database: string): string => inject("postgresUrl").replace("DATABASE", database);
    await withClient(url("postgres"), (admin) => admin.query(`CREATE DATABASE ${name}`));
    const environment = {
      DATABASE_URL: url(name),
      FUSION_ROOT_KEY: randomBytes(32).toString("base64"),
    };
    const one: [string, ...string[]] = [process.execPath, startFile];
    const programs = await Promise.all([
      start(environment),
      start(environment, { command: one }),
      start(environment, { command: one }),
    ]);
    const [supervised] = programs as [RunningProgram, ...RunningProgram[]];
    await Promise.all(programs.map((program) => program.ready()));
    for (const program of programs)
      expect([lines(program), program.stdout()]).toEqual([[], expect.stringContaining("Asha Rao")]);

    const newer = (breaking: boolean) =>
      withClient(url(name), (owner) =>
        owner.query(
          `INSERT INTO public.migration (number, name, hash, breaking) VALUES (9999, '9999-newer.sql', '', $1)
           ON CONFLICT (number) DO UPDATE SET breaking = excluded.breaking`,
          [breaking],
        ),
      );
    const kill = async (): Promise<number> => {
      const [victim = 0] = workers(supervised);
      process.kill(victim, "SIGKILL");
      return victim;
    };
    // A migration that only widens does not hinder even a worker that is restarted.
    await newer(false);
    const victim = await kill();
    await expect.poll(() => workers(supervised).filter((pid) => pid !== victim), patient).toHaveLength(2);
    await newer(true);
    const sentence =
      "The database has migration 9999 (9999-newer.sql), which this release does not know. Start the newer release.";
    const late = await start(environment, { command: one });
    expect(await late.exited()).toBe(1);
    expect(late.stderr()).toBe(`Fusion cannot run. ${sentence}\n`);
    await kill();
    await expect.poll(() => lines(supervised).map(({ reason }) => reason), patient).toContain(sentence);
    // The other one goes on.
    await supervised.ready();
    for (const program of programs) expect(await program.end("SIGTERM")).toBe(0);
    await withClient(url("postgres"), (admin) => admin.query(`DROP DATABASE ${name} WITH (FORCE)`));
  });
});
