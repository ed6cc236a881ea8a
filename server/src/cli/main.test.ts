import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import { freePort } from "../testing/free-port.ts";
import { postgresProcesses } from "../testing/program-processes.ts";
import { makeDataFolder, startProgram } from "../testing/running-program.ts";
import { createTestDatabase } from "../testing/test-database.ts";

// The real file in a process of its own, as `npx fusion` runs it.

const file = join(import.meta.dirname, "../../bin/fusion.mjs");
const folders: string[] = [];

function folder(): string {
  const made = makeDataFolder();
  folders.push(made);
  return made;
}
afterAll(() => {
  for (const made of folders) {
    for (const pid of postgresProcesses(made)) process.kill(pid, "SIGKILL");
    rmSync(dirname(made), { recursive: true, force: true });
  }
});

function fusion(
  environment: Record<string, string>,
  words: readonly string[],
  runtime = process.execPath,
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(
      runtime,
      [file, ...words],
      { env: { PATH: process.env.PATH ?? "", ...environment } },
      (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

const create = (id: number): string[] => [
  "ifi",
  "create",
  "--id",
  String(id),
  "--name",
  `Bank ${id}`,
  "--json",
];

describe("the embedded database", () => {
  it("is made where there was none, and that is said: the folder may be the wrong one", async () => {
    const DATA_DIR = folder();
    const listed = await fusion({ DATA_DIR }, ["tokens", "list"]);
    expect(listed).toMatchObject({ code: 0, out: "There are no such tokens.\n" });
    expect(listed.err).toContain(`no database in ${DATA_DIR}`);
    expect(await fusion({ DATA_DIR }, ["tokens", "list"])).toMatchObject({ code: 0, err: "" });
  }, 120_000);

  it("is started for the length of a command, shared by commands at once, and stopped", async () => {
    const DATA_DIR = folder();
    const made = await Promise.all([1, 2].map((id) => fusion({ DATA_DIR }, create(id))));
    expect(made.map(({ code, err }) => ({ code, err }))).toEqual([
      { code: 0, err: "" },
      { code: 0, err: "" },
    ]);
    expect(await fusion({ DATA_DIR }, create(1))).toMatchObject({ code: 1 });
    expect(postgresProcesses(DATA_DIR)).toEqual([]);
  }, 120_000);

  it("is shared with a running server, which goes on", async () => {
    const DATA_DIR = folder();
    const program = startProgram({ DATA_DIR, PORT: String(await freePort()) });
    try {
      await program.ready();
      const made = await fusion({ DATA_DIR }, create(424242));
      expect(made).toMatchObject({ code: 0, err: "" });
      expect((await fetch(`${program.url}/readyz`)).status).toBe(200);
    } finally {
      expect(await program.end("SIGTERM")).toBe(0);
    }
  }, 120_000);

  it("in a folder that cannot be used is one sentence and code 3", async () => {
    const { code, out, err } = await fusion({ DATA_DIR: "/dev/null/data" }, ["ledger", "verify"]);
    expect({ code, out }).toEqual({ code: 3, out: "" });
    expect(err).toMatch(/^The data folder .+\n$/);
  });
});

describe("an external database", () => {
  it("is used, and audited under the machine's account", async () => {
    const database = await createTestDatabase();
    try {
      const environment = { DATABASE_URL: database.ownerUrl, DATA_DIR: folder() };
      expect(await fusion(environment, create(7))).toMatchObject({ code: 0, err: "" });
      const { rows } = await database.owner.query(
        "SELECT actor_kind, actor_id <> '' AS named FROM audit_entry",
      );
      expect(rows).toEqual([{ actor_kind: "cli", named: true }]);
    } finally {
      await database.drop();
    }
  }, 60_000);

  it("that does not answer, or refuses, is one sentence without its password", async () => {
    for (const url of [
      "postgres://someone:hunter2@127.0.0.1:1/fusion",
      inject("postgresUrl").replace("DATABASE", "missing_database"),
    ]) {
      const { code, err } = await fusion({ DATABASE_URL: url, DATA_DIR: folder() }, ["ledger", "verify"]);
      expect(code).toBe(3);
      expect(err.trim().split("\n")).toHaveLength(1);
      expect(err).not.toContain("hunter2");
    }
  }, 60_000);
});
