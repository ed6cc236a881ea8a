import { pino } from "pino";
import { expect, it } from "vitest";
import { runProgram } from "./run-program.ts";

function running() {
  const told: number[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => void told.push(JSON.parse(line).level) });
  const stop = new AbortController();
  return { told, stop, program: runProgram({ log, stop: stop.signal }, async () => undefined) };
}

it("a failure that nobody caught ends the program, also one of a file that is not there", async () => {
  for (const error of [
    new Error("a mistake"),
    Object.assign(new Error("no file"), { code: "ENOENT", syscall: "open" }),
  ]) {
    const { program, told } = running();
    program.fail(error);
    await expect(program.ended).rejects.toBe(error);
    expect(told).toEqual([60]);
  }
});

it("one that comes of the database's absence does not, and is no news to who reads of the outage", async () => {
  const { program, stop, told } = running();
  program.fail(Object.assign(new Error("no socket"), { code: "ENOENT", syscall: "connect" }));
  program.fail(new Error("Connection terminated unexpectedly"));
  stop.abort();
  await program.ended;
  expect(told).toEqual([20, 20]);
});
