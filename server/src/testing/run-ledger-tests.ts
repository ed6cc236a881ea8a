// `npm run test:ledger`: the tests of the ledger's promises, one after the other. With `--release` in the size for judging a release
// (ledger-sizes.ts).
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "../../..");
const files = [
  "server/src/testing/transfer-history.test.ts",
  "server/src/transfers/conservation.test.ts",
  "server/src/transfers/transfer-faults.test.ts",
  "server/src/transfers/lost-commit-answers.test.ts",
  "server/src/transfers/transfer-concurrency.test.ts",
  "server/src/ledger/tampering.test.ts",
];

const { values } = parseArgs({ options: { release: { type: "boolean", default: false } } });
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--no-file-parallelism", ...files],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, FUSION_TEST_LEDGER: values.release ? "release" : "" },
  },
);
process.exitCode = status ?? 1;
