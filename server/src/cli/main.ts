import { userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { runCommandLine } from "./command-line.ts";

// The entry of `fusion`: reads the arguments and the environment.

const stop = new AbortController();
// The first signal ends the command in order, with a database that it has started; a second one ends it at once.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
// Such as `| head`.
process.stdout.on("error", () => stop.abort());
process.stderr.on("error", () => undefined);

process.exitCode = await runCommandLine({
  words: process.argv.slice(2),
  environment: process.env,
  account: accountName(),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  stop: stop.signal,
  ask: process.stdin.isTTY ? ask : undefined,
});

/** Asks on standard error, so that the command's result can be redirected. Ctrl-C or the end of the input counts as no answer. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  try {
    return await Promise.race([terminal.question(question), ended]);
  } finally {
    terminal.close();
  }
}

/** An account without an entry in the machine's list (a bare number in a container) is named by its number. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
