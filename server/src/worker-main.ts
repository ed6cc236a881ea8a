import { readConfig } from "./config.ts";
import { runWorker } from "./worker.ts";

// Starts a worker process and ends it, as main.ts does the whole program; it is started by a supervisor alone.

// A terminal sends Ctrl-C to all processes of the program, and service managers send their signals to all of them too. Only the supervisor
// knows what is to be done, and says it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

const { config, faults } = readConfig(process.env);
// The supervisor has read the same environment before.
if (!config) throw new Error(`A setting is wrong: ${faults.map(({ variable }) => variable).join(", ")}.`);
const place = process.argv[2] ?? "1";
// Seen by whoever lists the processes.
const name = `fusion worker ${place}`;
process.title = `${name}, starting`;
const exitCode = await runWorker(config, {
  place,
  serves: () => {
    process.title = name;
  },
  leaves: () => {
    process.title = `${name}, leaving`;
  },
});
// Idle sockets of libraries must not keep a stopped process alive.
process.exit(exitCode);
