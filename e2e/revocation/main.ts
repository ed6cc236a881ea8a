// npm run test:revocation -- [--calls 100000] [--revokes 500] [--seed N] [--history file] [--server folder] [--faults a,b] [--turns 3]
//   [--without-phases] [--fill-delay ms] [--clients 40]
//
// Runs three server processes over an external PostgreSQL, with clients that call and revoke, and faults; then checks the history for what
// was promised (e2e/revocation/README.md). Prints one JSON line per figure on standard output, a table on standard error. A release is
// measured with `--calls 5000000 --revokes 10000 --clients 120`.
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { FaultName } from "./faults.ts";
import { leaseAndMarginMs, runRevocationTest } from "./run.ts";
import { describeRun, findingsOf } from "./summary.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "100000" },
    revokes: { type: "string", default: "500" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    history: { type: "string" },
    server: { type: "string", default: join(import.meta.dirname, "../../server") },
    faults: { type: "string" },
    turns: { type: "string", default: "3" },
    "without-phases": { type: "boolean", default: false },
    "fill-delay": { type: "string", default: "0" },
    // How many clients call each node.
    clients: { type: "string" },
  },
});
// Ends by process.exit, so that everything that was started ends too.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const startedAt = performance.now();
const say = (line: string): void =>
  void process.stderr.write(
    `${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(5)} s  ${line}\n`,
  );

say(`seed ${values.seed}`);
const verdict = await runRevocationTest({
  calls: Number(values.calls),
  revokes: Number(values.revokes),
  seed: Number(values.seed),
  turns: Number(values.turns),
  serverFolder: values.server,
  withoutPhases: values["without-phases"],
  fillDelayMs: Number(values["fill-delay"]),
  ...(values.clients === undefined ? {} : { clientsEach: Number(values.clients) }),
  ...(values.history === undefined ? {} : { historyFile: values.history }),
  ...(values.faults === undefined ? {} : { faults: values.faults.split(",") as FaultName[] }),
  say,
});
const findings = findingsOf(verdict, leaseAndMarginMs);
for (const finding of findings) process.stdout.write(`${JSON.stringify(finding)}\n`);
process.stderr.write(`\n${describeRun(verdict, findings)}\n`);
process.exitCode = findings.every(({ holds }) => holds) ? 0 : 1;
