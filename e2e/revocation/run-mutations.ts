// npm run test:revocation:mutations -- [--only text] [--calls 8000] [--revokes 160] [--seed N]
//
// Shows that the revocation test would notice a broken protocol. Each mutation (mutations.ts) is applied to a copy of the server, which
// then runs under the faults that provoke it and must break one of the rules named for it. The unchanged server runs under the same faults
// first and must break nothing, so that only the mutation can be what was caught.
import { parseArgs } from "node:util";
import { type Rule, rules, type Verdict } from "./check-history.ts";
import { applyMutation, copyServer, editedFiles, type Mutation, mutations } from "./mutations.ts";
import { runRevocationTest } from "./run.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    calls: { type: "string", default: "8000" },
    revokes: { type: "string", default: "160" },
    seed: { type: "string", default: "1" },
  },
});

// Ends by process.exit, so that everything that was started ends too.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

/** A mutation that slipped through by chance is tried again with other random choices before it counts as not caught. */
const attemptsMax = 3;

const chosen = mutations.filter(({ name }) => name.includes(values.only));
if (chosen.length === 0) throw new Error(`No mutation's name contains "${values.only}".`);
// Checks all of them first, so that a fragment that no longer exists is not found only after ten minutes.
for (const mutation of chosen) editedFiles(mutation);

let failed = 0;
for (const mutation of chosen) {
  const unchanged = brokenBy(await run(mutation, Number(values.seed), false));
  let broken: string[] = [];
  let attempts = 0;
  while (attempts < attemptsMax && !isCaught(mutation, broken)) {
    broken = brokenBy(await run(mutation, Number(values.seed) + attempts, true));
    attempts += 1;
  }
  const caught = isCaught(mutation, broken);
  if (!caught || unchanged.length > 0) failed += 1;
  process.stdout.write(
    `${JSON.stringify({ mutation: mutation.name, caught, attempts, broken, unchangedServerBroke: unchanged })}\n`,
  );
}
process.exitCode = failed === 0 ? 0 : 1;

async function run(mutation: Mutation, seed: number, mutated: boolean): Promise<Verdict> {
  const copy = copyServer();
  try {
    if (mutated) applyMutation(mutation, copy.serverFolder);
    process.stderr.write(`${mutated ? "mutated" : "unchanged"}: ${mutation.name}, seed ${seed}\n`);
    return await runRevocationTest({
      calls: Number(values.calls),
      revokes: Number(values.revokes),
      seed,
      faults: mutation.faults,
      turns: 3,
      withoutPhases: true,
      serverFolder: copy.serverFolder,
      fillDelayMs: mutation.fillDelayMs ?? 0,
      say: () => undefined,
    });
  } finally {
    copy.remove();
  }
}

function brokenBy({ violations }: Verdict): string[] {
  return (Object.keys(rules) as Rule[])
    .filter((rule) => violations[rule].count > 0)
    .map((rule) => `${violations[rule].count} x ${rule}`);
}

function isCaught(mutation: Mutation, broken: readonly string[]): boolean {
  return broken.some((found) => mutation.breaks.some((rule) => found.endsWith(` ${rule}`)));
}
