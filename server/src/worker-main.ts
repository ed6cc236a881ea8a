import { readConfig } from "./config.ts";
import { runWorker } from "./worker.ts";

// Starts and stops a worker process, as main.ts does the whole program; only a supervisor starts it.

// A terminal sends Ctrl-C to all processes of the program, and service managers signal all of them too. Only the supervisor knows what to
// do, and tells the workers.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

const { config, faults } = readConfig(process.env);
// The supervisor has read the same environment already.
if (!config) throw new Error(`A setting is wrong: ${faults.map(({ variable }) => variable).join(", ")}.`);
const place = process.argv[2] ?? "1";
// Visible in a list of processes.
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
