import { join } from "node:path";
import { expect, it } from "vitest";
import { leaseAndMarginMs, runRevocationTest } from "./revocation/run.ts";
import { describeRun, findingsOf } from "./revocation/summary.ts";

// The size for every change; a release is measured with more (e2e/revocation/README.md).

it("100,000 racing calls and 500 revokes under faults: no revoked token is accepted, and the nodes are alive", {
  timeout: 600_000,
}, async () => {
  const seed = Date.now() % 1_000_000;
  const verdict = await runRevocationTest({
    calls: 100_000,
    revokes: 500,
    seed,
    turns: 2,
    // Durations say little on a machine that is busy with other tests.
    withoutPhases: true,
    serverFolder: join(import.meta.dirname, "../server"),
    say: (line) => process.stdout.write(`${line}\n`),
  });
  const findings = findingsOf(verdict, leaseAndMarginMs);
  const text = `seed ${seed}\n${describeRun(verdict, findings)}`;
  process.stdout.write(`${text}\n`);
  expect(
    findings.filter(({ holds, isTime }) => !holds && !isTime),
    text,
  ).toEqual([]);
});
