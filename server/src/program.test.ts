import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort } from "./testing/free-port.ts";
import { postgresProcesses, postmasterPid } from "./testing/program-processes.ts";
import { makeDataFolder, type RunningProgram, startProgram } from "./testing/running-program.ts";

// The real process in a temporary folder, killed for real. Each start takes a second or two, many more on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const running: RunningProgram[] = [];
const folders: string[] = [];

function folder(name?: string): string {
  const made = makeDataFolder(name);
  folders.push(made);
  return made;
}

async function start(
  environment: Record<string, string>,
  options?: Parameters<typeof startProgram>[1],
): Promise<RunningProgram> {
  const program = startProgram({ PORT: String(await freePort()), ...environment }, options);
  running.push(program);
  return program;
}

afterEach(async () => {
  for (const program of running.splice(0)) await program.end("SIGTERM");
});
afterAll(() => {
  for (const made of folders) {
    for (const pid of postgresProcesses(made)) process.kill(pid, "SIGKILL");
    rmSync(dirname(made), { recursive: true, force: true });
  }
});

describe("a start on an empty folder", () => {
  let dataFolder: string;
  beforeAll(() => {
    dataFolder = folder("da ta"); // A path with a space is a path like any other.
  });

  it("brings everything up, says where to look, and stops whole on Ctrl-C", async () => {
    const program = await start({ DATA_DIR: dataFolder });
    await program.ready();
    const stdout = program.stdout();
    expect(stdout).toContain(program.url);
    expect(stdout).toContain("/dev/inbox");
    expect(stdout).toContain("/docs");
    expect(statSync(join(dataFolder, "keys/root.key")).mode & 0o777).toBe(0o600);
    expect(postgresProcesses(dataFolder).length).toBeGreaterThan(1);

    expect(await program.end("SIGINT")).toBe(0);
    expect(program.stdout()).toMatch(/Stopped\.\n$/);
    expect(program.stderr()).toBe("");
    expect(postgresProcesses(dataFolder)).toEqual([]);
    expect(existsSync(join(dataFolder, "postgres/postmaster.pid"))).toBe(false);
  });

  it("stops whole on the one Ctrl-C that arrives twice, since npm passes on what the terminal has sent already", async () => {
    const program = await start({ DATA_DIR: dataFolder });
    await program.ready();
    program.child.kill("SIGINT");
    await sleep(30);
    expect(await program.end("SIGINT")).toBe(0);
    expect(program.stdout()).toMatch(/Stopped\.\n$/);
    expect(postgresProcesses(dataFolder)).toEqual([]);
  });

  it("stops whole, and before npm ends, when only the npm that started it is told to", async () => {
    const program = await start(
      { DATA_DIR: dataFolder },
      { cwd: join(import.meta.dirname, "../.."), command: ["npm", "start"] },
    );
    await program.ready();
    await program.end("SIGTERM");
    expect(program.stdout()).toMatch(/Stopped\.\n$/);
    expect(postgresProcesses(dataFolder)).toEqual([]);
  });

  it("refuses a second start while one runs, naming its process, and changes nothing", async () => {
    const first = await start({ DATA_DIR: dataFolder });
    await first.ready();
    const second = await start({ DATA_DIR: dataFolder });
    expect(await second.exited()).toBe(1);
    expect(second.stderr()).toBe(
      `Fusion cannot run. Fusion already runs on ${dataFolder} (process ${first.child.pid}). Stop it first, or give this one another folder with DATA_DIR.\n`,
    );
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  it("recovers after kill -9 of the program, ending the database that it left behind", async () => {
    const first = await start({ DATA_DIR: dataFolder });
    await first.ready();
    const left = postmasterPid(dataFolder);
    expect(await first.end("SIGKILL")).toBe(null);
    expect(postgresProcesses(dataFolder)).toContain(left);

    const second = await start({ DATA_DIR: dataFolder });
    await second.ready();
    expect(postmasterPid(dataFolder)).not.toBe(left);
    expect(postgresProcesses(dataFolder)).not.toContain(left);
  });

  it("recovers after kill -9 of program and database together", async () => {
    const first = await start({ DATA_DIR: dataFolder });
    await first.ready();
    const left = postmasterPid(dataFolder);
    first.child.kill("SIGKILL");
    process.kill(left, "SIGKILL");
    await first.exited();

    const second = await start({ DATA_DIR: dataFolder });
    await second.ready();
  });

  const someSession = `fusion_session=${"A".repeat(43)}`;
  const toldOfAKill = new Set([
    "PostgreSQL ended unexpectedly; starting it again",
    "the database cannot be reached",
    "the database is reached again",
    // A job that was being taken at that moment.
    "jobs were held that nobody did; they are done again",
  ]);
  // Right after the first page, while the job queue still starts, and also later.
  it.each([0, 120, 1_000])(
    "starts the database again when it is killed %s ms after the first page, and says so in the log",
    async (afterMs) => {
      const program = await start({ DATA_DIR: dataFolder });
      await program.ready();
      await sleep(afterMs);
      const killed = postmasterPid(dataFolder);
      process.kill(killed, "SIGKILL");
      await expect.poll(() => program.stderr(), { timeout: 60_000 }).toContain("starting it again");
      await program.ready();
      const asked = async () =>
        (await fetch(`${program.url}/console/api/session`, { headers: { cookie: someSession } })).status;
      await expect.poll(asked, { timeout: 60_000 }).toBe(401);
      expect(postmasterPid(dataFolder)).not.toBe(killed);
      expect(await program.end("SIGTERM")).toBe(0);
      expect(postgresProcesses(dataFolder)).toEqual([]);
      // What happened is logged once, and without a pile of stacks. A connection that briefly outlives its server may be reached and lost
      // again.
      const lines = program.stderr().trim().split("\n");
      const told = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
      expect(told).toContain("PostgreSQL ended unexpectedly; starting it again");
      const ofOutages = told.filter((line) => line.startsWith("the database"));
      expect(ofOutages.filter((line, at) => line === ofOutages[at - 1])).toEqual([]);
      const others = told.filter((line) => !ofOutages.includes(line));
      expect(others.filter((line, at) => others.indexOf(line) !== at)).toEqual([]);
      expect(new Set(told)).toEqual(new Set(told.filter((line) => toldOfAKill.has(line))));
    },
  );

  it("starts although the number in a stale pid file belongs to another program by now", async () => {
    writeFileSync(join(dataFolder, "postgres/postmaster.pid"), `${process.pid}\n${dataFolder}/postgres\n`);
    const program = await start({ DATA_DIR: dataFolder });
    await program.ready();
  });

  it("notices at the start that the key is another one", async () => {
    const program = await start({
      DATA_DIR: dataFolder,
      FUSION_ROOT_KEY: Buffer.alloc(32, 9).toString("base64"),
    });
    expect(await program.exited()).toBe(1);
    expect(program.stderr()).toContain("The root key is not the one");
    expect(postgresProcesses(dataFolder)).toEqual([]);
  });

  it("says that the port is in use, suggests another, and leaves no database behind", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    const program = await start({ DATA_DIR: dataFolder, PORT: String(port) });
    expect(await program.exited()).toBe(1);
    other.close();
    expect(program.stderr()).toBe(
      `Fusion cannot run. Another program already uses 127.0.0.1:${port}. Stop it, or choose another port, such as PORT=${port + 1}.\n`,
    );
    expect(program.stdout()).toBe("");
    expect(postgresProcesses(dataFolder)).toEqual([]);
  });
});

describe("a first start that is interrupted", () => {
  it("leaves nothing that hinders the next, killed at any moment of making the database", async () => {
    const dataFolder = folder();
    for (const afterMs of [300, 600, 900]) {
      const program = await start({ DATA_DIR: dataFolder });
      await sleep(afterMs);
      await program.end("SIGKILL");
    }
    const program = await start({ DATA_DIR: dataFolder });
    await program.ready();
    expect(await program.end("SIGINT")).toBe(0);
  });

  it("stops in order on Ctrl-C in the middle, which a terminal sends to the program and all that it started", async () => {
    const dataFolder = folder();
    const program = await start({ DATA_DIR: dataFolder }, { ownGroup: true });
    const bootstraps = () =>
      existsSync(dataFolder) &&
      readdirSync(dataFolder).some(
        (name) =>
          name.startsWith("postgres.draft-") && existsSync(join(dataFolder, name, "global/pg_control")),
      );
    await expect.poll(bootstraps, { timeout: 60_000, interval: 5 }).toBe(true);
    process.kill(-(program.child.pid ?? 0), "SIGINT");
    expect(await program.exited()).toBe(0);
    expect(program.stderr()).toBe("");
    expect(program.stdout()).toMatch(/Stopped\.\n$/);
    expect(postgresProcesses(dataFolder)).toEqual([]);
  });
});

describe("a data folder that cannot be used", () => {
  it("is named in one sentence when it is a file", async () => {
    const path = folder();
    writeFileSync(path, "");
    const program = await start({ DATA_DIR: path });
    expect(await program.exited()).toBe(1);
    expect(program.stderr()).toBe(
      `Fusion cannot run. The data folder ${path} cannot be used: it, or something on the way to it, is a file and not a folder. Set DATA_DIR to another.\n`,
    );
  });

  it("is found relative to the folder of the start, below folders that only root may enter too", async () => {
    const parent = dirname(folder());
    const closed = join(parent, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0o700);
    const program = await start({ DATA_DIR: "./inner/data" }, { cwd: closed });
    await program.ready();
    expect(existsSync(join(closed, "inner/data/postgres/PG_VERSION"))).toBe(true);
    expect(await program.end("SIGINT")).toBe(0);
  });
});

describe("settings that are wrong", () => {
  it("are listed all at once, without a stack trace and without their values", async () => {
    const program = await start({ HOST: "0.0.0.0", DATABASE_URL: "hunter2", FUSION_ROOT_KEY: "hunter2" });
    expect(await program.exited()).toBe(1);
    const stderr = program.stderr();
    expect(stderr).toContain("3 settings are wrong");
    for (const variable of ["HOST", "DATABASE_URL", "FUSION_ROOT_KEY"])
      expect(stderr).toContain(`  ${variable} must`);
    expect(stderr).not.toMatch(/hunter2|at .*\.ts/);
  });

  it("names a database that cannot be reached, without its password", async () => {
    const port = await freePort();
    const program = await start({
      DATA_DIR: folder(),
      DATABASE_URL: `postgres://fusion:hunter2@127.0.0.1:${port}/fusion`,
    });
    expect(await program.exited()).toBe(1);
    expect(program.stderr()).toMatch(
      /^Fusion cannot run\. The database at 127\.0\.0\.1:\d+ cannot be used: .+\n$/,
    );
    expect(program.stderr()).not.toContain("hunter2");
  });
});

it("says which runtime it needs before it reads what an older one cannot read", () => {
  const older =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })";
  const start = join(import.meta.dirname, "../bin/start.mjs");
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--no-experimental-strip-types", "--import", `data:text/javascript,${older}`, start],
    { encoding: "utf8", timeout: 20_000 },
  );
  expect(stderr).toMatch(/^Fusion needs Node 24 or newer and this is Node 20\.19: run `npm ci`.*\n$/);
  expect(status).toBe(1);
});
