import { readConfig } from "./config.ts";
import { readableProblem, run } from "./program.ts";

// Starts the process and stops it. The only file that reads the environment or handles signals.

/** One Ctrl-C arrives twice: from the terminal, and from npm, which passes on what it gets. */
const samePressMs = 1_000;

const read = readConfig(process.env);
if (read.faults) {
  const { faults } = read;
  process.stderr.write(
    `Fusion cannot start: ${faults.length === 1 ? "a setting is wrong" : `${faults.length} settings are wrong`}.\n${faults
      .map(({ variable, fault }) => `  ${variable} ${fault}\n`)
      .join("")}`,
  );
  process.exitCode = 1;
} else {
  const stop = new AbortController();
  let askedAt: number | undefined;
  const program = run(read.config, {
    stop: stop.signal,
    say: (text) => process.stdout.write(text),
  });
  const stopInOrder = (signal: NodeJS.Signals): void => {
    askedAt = performance.now();
    stop.abort(signal);
    setTimeout(() => process.stdout.write("Stopping. Ctrl-C again stops at once.\n"), samePressMs).unref();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (askedAt === undefined) return stopInOrder(signal);
      if (signal === "SIGHUP" || performance.now() - askedAt < samePressMs) return;
      program.abandon();
      process.stdout.write("Stopped at once. The next start recovers.\n");
      process.exit(130);
    });
  }
  // What nobody caught is a fault of ours whose extent is unknown: say so and end in order.
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
