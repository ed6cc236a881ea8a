// `npm run bench:ledger-verify`: see README.md. The figure on standard output, progress on standard error.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { systemClock } from "../server/src/platform/clock.ts";
import { openDatabase } from "../server/src/platform/database/database.ts";
import { migrate } from "../server/src/platform/database/migrate.ts";
import { prepareJobSchema } from "../server/src/platform/jobs/schema.ts";
import { silentLog } from "../server/src/platform/log.ts";
import { systemRandom } from "../server/src/platform/random.ts";
import { transferOf } from "../server/src/testing/ledger-fixture.ts";
import { testKeys, testRootKey } from "../server/src/testing/test-keys.ts";
import { createTransferBatcher } from "../server/src/transfers/batcher.ts";
import { createTransfer } from "../server/src/transfers/create-transfer.ts";
import { arrangeTenants, type BenchTenant } from "./bench-ledger.ts";
import { startBenchPostgres } from "./bench-server.ts";

const { values: options } = parseArgs({
  options: {
    postings: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
  },
});
const goalSeconds = 10;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const postgres = await startBenchPostgres();
const dataFolder = mkdtempSync(join(tmpdir(), "fusion-bench-keys-"));
try {
  const ownerUrl = postgres.url("fusion");
  await migrate(ownerUrl);
  await prepareJobSchema(ownerUrl);
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  // Filling is not measured.
  await owner.query("ALTER DATABASE fusion SET synchronous_commit = off");
  await fill(ownerUrl, Number(options.postings));
  const { rows } = await owner.query("SELECT count(*) FROM posting");
  await owner.query("VACUUM ANALYZE");
  await owner.query("CHECKPOINT");
  await owner.end();

  const seconds = Array.from({ length: Number(options.rounds) }, () => verify(ownerUrl)).sort(
    (left, right) => left - right,
  );
  const ours = seconds[Math.floor(seconds.length / 2)] ?? Number.NaN;
  const line = {
    figure: `fusion ledger verify over ${rows[0].count} postings`,
    ours: Number(ours.toPrecision(4)),
    theirs: null,
    unit: "s",
    ratio: null,
    goal: { atMost: goalSeconds },
    holds: ours <= goalSeconds,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
} finally {
  await postgres.stop();
  rmSync(dataFolder, { recursive: true, force: true });
}

/** Moves money in the program's own way, from 512 callers at once, between 1,000 accounts of eight fintechs. */
async function fill(ownerUrl: string, postings: number): Promise<void> {
  const db = openDatabase({ connectionString: ownerUrl, role: "fusion_runtime", log: silentLog() });
  const tenants = await arrangeTenants({ db, ownerUrl }, { tenants: 8, customersEach: 125 });
  const batcher = createTransferBatcher({ db, clock: systemClock, keys: testKeys });
  let left = Math.ceil(postings / 2);
  await Promise.all(
    Array.from({ length: 512 }, async (_, caller) => {
      const { book, customers } = tenants[caller % tenants.length] as BenchTenant;
      for (let turn = caller; left > 0; turn += 1) {
        left -= 1;
        if (left % 50_000 === 0) say(`${left} transfers to go`);
        const input = transferOf({
          debitAccountId: customers[turn % customers.length] as string,
          creditAccountId: customers[(turn + 1 + (turn % 7)) % customers.length] as string,
          amountMinor: 1n,
        });
        await createTransfer({ batcher, random: systemRandom }, book.token.principal, input);
      }
    }),
  );
  await db.close();
}

/** The time that the command takes from its start to its end. */
function verify(ownerUrl: string): number {
  mkdirSync(join(dataFolder, "keys"), { recursive: true, mode: 0o700 });
  writeFileSync(join(dataFolder, "keys/root.key"), testRootKey.toString("base64"), { mode: 0o600 });
  const startedAt = performance.now();
  const { status } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "../server/bin/fusion.mjs"), "ledger", "verify"],
    {
      env: { PATH: process.env.PATH ?? "", DATABASE_URL: ownerUrl, DATA_DIR: dataFolder },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  if (status !== 0) throw new Error(`The command ended with ${status}.`);
  const seconds = (performance.now() - startedAt) / 1_000;
  say(`  verify: ${seconds.toFixed(2)} s`);
  return seconds;
}
