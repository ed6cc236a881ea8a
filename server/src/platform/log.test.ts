import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createLog, linesTo } from "./log.ts";

it("collects lines and writes them within a moment, and at once before a fatal one's caller goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fusion-log-"));
  const file = openSync(join(folder, "log"), "w");
  const written = () =>
    readFileSync(join(folder, "log"), "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).msg);
  try {
    const log = createLog("info", linesTo(file));
    log.info("one");
    log.info("two");
    expect(written()).toEqual([]);
    await expect.poll(written).toEqual(["one", "two"]);
    log.info("three");
    log.fatal("four");
    expect(written()).toEqual(["one", "two", "three", "four"]);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
});

it("on a full disk loses lines and never the program, which still ends when it is told to", async () => {
  const log = join(import.meta.dirname, "log.ts");
  const full = openSync("/dev/full", "w");
  // Runs in a process of its own: if the log hung this one, the test could not report it.
  const child = spawn(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { createLog } from ${JSON.stringify(log)};
       const log = createLog("info");
       process.on("uncaughtException", (error) => { log.fatal({ err: error }, "stopping"); process.exit(70); });
       const writing = setInterval(() => log.info("x".repeat(100_000)), 10);
       setTimeout(() => { clearInterval(writing); log.fatal("the last"); process.stdout.write("went on"); }, 200);`,
    ],
    { stdio: ["ignore", "pipe", full] },
  );
  closeSync(full);
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const tooLate = setTimeout(() => child.kill("SIGKILL"), 10_000);
  const [code, signal] = await once(child, "close");
  clearTimeout(tooLate);
  expect({ code, signal, said }).toEqual({ code: 0, signal: null, said: "went on" });
}, 15_000);
