import { closeSync, openSync } from "node:fs";
import { parseArgs } from "node:util";
import { type ConfigFault, readConfig } from "./config.ts";
import { run } from "./program.ts";
import { type Program, readableProblem } from "./run-program.ts";

// Starts the process and stops it. Only this file reads the settings from the environment and handles signals; worker-main.ts does the same
// in a worker, and cli/main.ts for the command line.

/** One Ctrl-C arrives twice: from the terminal, and from npm, which passes it on. */
const samePressMs = 1_000;

// Output to the terminal may be lost, on a full disk or because nobody reads it any more; the program goes on.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

const asked = readArguments(process.argv.slice(2));
const read = asked.faults ? asked : readConfig({ ...process.env, ...asked.settings });
if (read.faults) {
  const { faults } = read;
  process.stderr.write(
    `Fusion cannot start: ${faults.length === 1 ? "a setting is wrong" : `${faults.length} settings are wrong`}.\n${faults
      .map(({ variable, fault }) => `  ${variable} ${fault}\n`)
      .join("")}`,
  );
  process.exitCode = 1;
} else {
  const { config } = read;
  const stop = new AbortController();
  let askedAt: number | undefined;
  const surroundings = { stop: stop.signal, say: (text: string) => void process.stdout.write(text) };
  const hadTerminal = hasTerminal();
  const { workers } = config;
  // Loaded only with workers: a single process needs nothing of it.
  const program: Program =
    workers === null
      ? run(config, surroundings)
      : (await import("./supervisor.ts")).supervise({ ...config, workers }, surroundings);
  const stopInOrder = (signal: NodeJS.Signals): void => {
    askedAt = performance.now();
    stop.abort(signal);
    setTimeout(() => process.stdout.write("Stopping. Ctrl-C again stops at once.\n"), samePressMs).unref();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // A closing terminal also sends SIGHUP, and then nobody is left who could stop the program.
      const isForNewWorkers = signal === "SIGHUP" && program.renew && !(hadTerminal && !hasTerminal());
      if (isForNewWorkers && askedAt === undefined) return program.renew?.();
      if (askedAt === undefined) return stopInOrder(signal);
      if (signal === "SIGHUP" || performance.now() - askedAt < samePressMs) return;
      program.abandon();
      process.stdout.write("Stopped at once. The next start recovers.\n");
      process.exit(130);
    });
  }
  // An error that nothing caught is a fault of ours of unknown extent: report it and end in order.
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    process.on(event, (error: unknown) => program.fail(error));

  try {
    await program.ended;
    if (askedAt !== undefined) process.stdout.write("Stopped.\n");
  } catch (error) {
    process.stderr.write(`${readableProblem(error)}\n`);
    process.exitCode = 1;
  }
  // Idle sockets of libraries must not keep a stopped process alive.
  process.exit();
}

/** The options of the start, each another way to set a variable. */
function readArguments(
  words: readonly string[],
):
  | { readonly settings: Record<string, string>; readonly faults?: never }
  | { readonly faults: readonly ConfigFault[] } {
  try {
    const { values } = parseArgs({ args: [...words], options: { workers: { type: "string" } } });
    return { settings: values.workers === undefined ? {} : { FUSION_WORKERS: values.workers } };
  } catch {
    return {
      faults: [
        { variable: words.join(" "), fault: "is not understood; npm start -- takes --workers and a number" },
      ],
    };
  }
}

/** Whether a person's terminal controls this process. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
