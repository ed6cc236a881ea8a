import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataFolderInUse, DataFolderUnusable, lockDataFolder } from "./data-folder.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "fusion-lock-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** A process that takes the lock, reports that, and holds it until it is killed. */
function holder(folder: string): { said: Promise<string>; kill(): Promise<void> } {
  const source = `const { lockDataFolder } = await import(${JSON.stringify(join(import.meta.dirname, "data-folder.ts"))});
    try { await lockDataFolder(${JSON.stringify(folder)}); process.stdout.write("held"); setInterval(() => {}, 1000); }
    catch (error) { process.stdout.write(error.message); }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    said: new Promise((resolve) => child.stdout.setEncoding("utf8").once("data", resolve)),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

describe("the data folder's lock", () => {
  it("is never held by two processes, however many start at once", { timeout: 60_000 }, async () => {
    const folder = join(parent, "data");
    const holders = Array.from({ length: 4 }, () => holder(folder));
    const said = await Promise.all(holders.map((one) => one.said));
    expect(said.filter((text) => text === "held").length).toBeLessThanOrEqual(1);
    for (const text of said) if (text !== "held") expect(text).toContain("already runs on");
    await Promise.all(holders.map((one) => one.kill()));
  });

  it("names its holder, and is free when that was killed", { timeout: 60_000 }, async () => {
    const first = holder(parent);
    expect(await first.said).toBe("held");
    await expect(lockDataFolder(parent)).rejects.toThrow(DataFolderInUse);
    await first.kill();
    const lock = await lockDataFolder(parent);
    lock.release();
    expect(readdirSync(parent)).toEqual([]);
  });

  it("is not held by a process of an earlier boot, nor by one that got the same number later", async () => {
    writeFileSync(join(parent, `in-use-by.${process.ppid}.1.abcdefabcdef`), "");
    writeFileSync(join(parent, `in-use-by.${process.pid}.1.`), "");
    (await lockDataFolder(parent)).release();
    expect(readdirSync(parent)).toEqual([]);
  });
});

it("a folder on which a server answers that does not show here, as another container's does, is refused and left as it is", async () => {
  const server = createServer();
  for (const name of ["run", "postgres"]) mkdirSync(join(parent, name));
  await new Promise<void>((resolve) => server.listen(join(parent, "run/.s.PGSQL.5432"), resolve));
  writeFileSync(join(parent, "postgres/postmaster.pid"), "7\n");
  // A process of this boot whose number here belongs to another process, or to none.
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").replaceAll(/[^0-9a-f]/g, "");
  writeFileSync(join(parent, `in-use-by.7.1.${boot.slice(0, 12)}`), "");
  const left = () => readdirSync(parent, { recursive: true }).toSorted();
  const before = left();
  await expect(lockDataFolder(parent)).rejects.toThrow(/whose processes do not show here/);
  await expect(startEmbeddedPostgres(parent)).rejects.toThrow(/whose processes do not show here/);
  expect(left()).toEqual(before);
  // The files alone are those of a container that was killed.
  await new Promise((resolve) => server.close(resolve));
  (await lockDataFolder(parent)).release();
  expect(left()).not.toContain(`in-use-by.7.1.${boot.slice(0, 12)}`);
});

describe("a folder that cannot be used", () => {
  it.each(["file", "file/below"])("is refused in a sentence (%s)", async (path) => {
    writeFileSync(join(parent, "file"), "");
    await expect(lockDataFolder(join(parent, path))).rejects.toThrow(DataFolderUnusable);
  });

  it("is refused at once where no folder can be made", async () => {
    await expect(lockDataFolder("/proc/no/such")).rejects.toThrow(DataFolderUnusable);
  });

  it("is refused when its name is too long", async () => {
    await expect(lockDataFolder(join(parent, "x".repeat(300)))).rejects.toThrow(/its name is too long/);
  });
});
