import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataFolderInUse, DataFolderUnusable, lockDataFolder } from "./data-folder.ts";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "fusion-lock-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** A process that takes the lock, says so, and holds it until it is killed. */
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
