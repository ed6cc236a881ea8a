// npm run bench:transfers -- [--rounds 3] [--seconds 5] [--postings 0] [--without limits,events] [--only a,b64] [--profile folder]
//
// What transfers cost, over HTTP and in process, against pgbench on the same PostgreSQL in the same run (bench/README.md). Rounds are
// interleaved and medians are printed, one JSON line per figure: the same command drifts by a factor of two within an hour.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { systemClock } from "../server/src/platform/clock.ts";
import { type Database, openDatabase } from "../server/src/platform/database/database.ts";
import { migrate } from "../server/src/platform/database/migrate.ts";
import { prepareJobSchema } from "../server/src/platform/jobs/schema.ts";
import { silentLog } from "../server/src/platform/log.ts";
import { transferOf } from "../server/src/testing/ledger-fixture.ts";
import { testKeys } from "../server/src/testing/test-keys.ts";
import { createTransferBatcher } from "../server/src/transfers/batcher.ts";
import type { TransferRequest } from "../server/src/transfers/decide-transfer.ts";
import { arrangeTenants, type BenchTenant } from "./bench-ledger.ts";
import { type BenchServer, startBenchPostgres, startBenchServer } from "./bench-server.ts";
import { type Goal, median, printFigure } from "./figures.ts";
import { addPostings } from "./filler-postings.ts";
import type { LoadCaller, LoadOrder, LoadResult } from "./http-load.ts";
import { findPgbench, preparePgbench, runPgbench } from "./pgbench.ts";
import { plainTransfer } from "./plain-transfer.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    postings: { type: "string", default: "0" },
    // Any of limits, events: what is left out, to see what it costs.
    without: { type: "string", default: "" },
    // Some of a, flush, b64, b256, c64, c256, d, e, f, g.
    only: { type: "string" },
    // A folder for a profile of the server's processor time.
    profile: { type: "string" },
  },
});
const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)];
const tenantCount = 8;
const accountsEachConnection = 4;
const connectionsMax = 256;
/** For figure d: three full batches, each on accounts of its own. */
const inProcessBatch = 100;
const callersMax = Math.max(connectionsMax, Math.ceil((3 * inProcessBatch) / tenantCount) * tenantCount);
const warmUpSeconds = 10;
const without = options.without.split(",");
const only = options.only?.split(",") ?? [];
const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface BenchProgram {
  readonly db: Database;
  readonly tenants: readonly BenchTenant[];
  readonly server: BenchServer;
}

const pgbench = findPgbench();
const postgres = await startBenchPostgres();
await preparePgbench(pgbench, postgres.socketFolder);
const usual = await startProgram("fusion", 0);
const large =
  options.postings === "0" ? undefined : await startProgram("fusion_large", Number(options.postings));
const { db, tenants } = usual;

const measured = new Map<string, number[]>();
function note(figure: string, value: number): void {
  measured.set(figure, [...(measured.get(figure) ?? []), value]);
  say(`  ${figure}: ${value.toFixed(value < 100 ? 3 : 0)}`);
}
const one = async (figure: string, value: Promise<number>): Promise<{ figure: string; value: number }[]> => [
  { figure, value: await value },
];
const measures: Record<string, () => Promise<{ figure: string; value: number }[]>> = {
  a: () => one("pgbench", runPgbench(pgbench, postgres.socketFolder, seconds)),
  flush: () => one("flush", flushMs()),
  b64: () => one("http64", overHttp(usual, 64, distinctAccounts)),
  g: async () => (large ? one("large64", overHttp(large, 64, distinctAccounts)) : []),
  b256: () => one("http256", overHttp(usual, 256, distinctAccounts)),
  c64: () => one("hot64", overHttp(usual, 64, hotFunding)),
  c256: () => one("hot256", overHttp(usual, 256, hotFunding)),
  d: () => one("inProcess", inProcess(inProcessBatch)),
  f: () => one("plain16", plainAtOnce(16)),
  e: loneLatency,
};
try {
  // The runtime compiles code that runs often, so a program that has just started must not be compared.
  say("warming up");
  for (const program of large ? [usual, large] : [usual])
    await overHttp(program, connectionsMax, distinctAccounts, warmUpSeconds);
  await inProcess(inProcessBatch);
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    for (const [name, measure] of Object.entries(measures))
      if (only.length === 0 || only.includes(name))
        for (const value of await measure()) note(value.figure, value.value);
  }
} finally {
  for (const program of large ? [usual, large] : [usual]) {
    await program.server.stop();
    await program.db.close();
  }
  await postgres.stop();
}

const of = (side: string): number[] => measured.get(side) ?? [];
const compare = (name: string, ours: string, theirs: string, goal: Goal, unit = "1/s"): void =>
  printFigure({ name, ours: of(ours), theirs: of(theirs), unit, goal });
printFigure({
  name: "a: pgbench TPC-B-like, 16 clients",
  ours: of("pgbench"),
  theirs: null,
  unit: "tps",
  goal: null,
});
printFigure({
  name: "a: what a flush to disk adds to a commit",
  ours: of("flush"),
  theirs: null,
  unit: "ms",
  goal: null,
});
compare("b: transfers over HTTP, 64 connections", "http64", "pgbench", { atLeast: 3.5 });
compare("b: transfers over HTTP, 256 connections", "http256", "pgbench", { atLeast: 6 });
compare("c: one hot funding account, 64 connections", "hot64", "http64", { atLeast: 0.8 });
compare("c: one hot funding account, 256 connections", "hot256", "http256", { atLeast: 0.8 });
compare("d: in process, batches of 100", "inProcess", "pgbench", { atLeast: 8 });
compare("e: lone transfer p50, batched and plain", "batchedLatency", "plainLatency", { atMost: 1.2 }, "ms");
compare("f: over HTTP at 64 and one transaction each at 16", "http64", "plain16", { atLeast: 1 });
compare(`g: b at 64 with ${options.postings} other postings, and with none`, "large64", "http64", {
  atLeast: 0.9,
});

/** Starts the program over a database of its own, with what its callers need, and with this many postings of another fintech. */
async function startProgram(database: string, postings: number): Promise<BenchProgram> {
  const ownerUrl = postgres.url(database);
  await migrate(ownerUrl);
  await prepareJobSchema(ownerUrl);
  const db = openDatabase({
    connectionString: ownerUrl,
    role: "fusion_runtime",
    connectionsMax: 16,
    log: silentLog(),
  });
  const tenants = await arrangeTenants(
    { db, ownerUrl },
    {
      tenants: tenantCount,
      customersEach: (callersMax / tenantCount) * accountsEachConnection,
      limited: !without.includes("limits"),
      listening: !without.includes("events"),
    },
  );
  if (postings > 0) {
    say(`adding ${postings} postings of others`);
    await addPostings(ownerUrl, postings);
  }
  const server = await startBenchServer(
    ownerUrl,
    options.profile ? ["--cpu-prof", `--cpu-prof-dir=${options.profile}`] : [],
  );
  return { db, tenants, server };
}

/**
 * The median time that a commit waits for the disk. It decides most of all how slow pgbench is beside a program that shares its flushes.
 */
async function flushMs(): Promise<number> {
  const [flushed, read]: [number[], number[]] = [[], []];
  const client = await db.pool.connect();
  for (let turn = 0; turn < 200; turn += 1) {
    const startedAt = performance.now();
    await client.query("SELECT pg_logical_emit_message(true, 'bench', '')");
    const between = performance.now();
    await client.query("SELECT pg_logical_emit_message(false, 'bench', '')");
    flushed.push(between - startedAt);
    read.push(performance.now() - between);
  }
  client.release();
  return median(flushed) - median(read);
}

/** Each connection moves money between its own accounts; the connections take the fintechs in turn. */
function distinctAccounts({ tenants }: BenchProgram, connection: number): LoadCaller {
  const { book, customers } = tenants[connection % tenantCount] as BenchTenant;
  const first = Math.floor(connection / tenantCount) * accountsEachConnection;
  const own = customers.slice(first, first + accountsEachConnection);
  return {
    ifiId: book.tenant.ifiId,
    secret: book.token.secret,
    debitAccounts: own.slice(0, 2),
    creditAccounts: own.slice(2),
  };
}

/** Every transfer is paid from the same account. */
function hotFunding({ tenants }: BenchProgram, connection: number): LoadCaller {
  const { book, customers, funding } = tenants[0] as BenchTenant;
  return {
    ifiId: book.tenant.ifiId,
    secret: book.token.secret,
    debitAccounts: [funding],
    creditAccounts: [customers[connection % customers.length] as string],
  };
}

async function overHttp(
  program: BenchProgram,
  connections: number,
  callerOf: (program: BenchProgram, at: number) => LoadCaller,
  forSeconds = seconds,
): Promise<number> {
  const order: LoadOrder = {
    port: program.server.port,
    seconds: forSeconds,
    callers: Array.from({ length: connections }, (_, at) => callerOf(program, at)),
  };
  const load = spawn("taskset", ["-c", "1", process.execPath, join(import.meta.dirname, "http-load.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  load.stdin.end(JSON.stringify(order));
  const result = JSON.parse(await text(load.stdout)) as LoadResult;
  if (Object.keys(result.others).length > 0)
    throw new Error(`Calls failed: ${JSON.stringify(result.others)}`);
  return result.succeeded / result.seconds;
}

function requestOf(connection: number): {
  principal: BenchTenant["book"]["token"]["principal"];
  request: TransferRequest;
} {
  const { book, customers } = tenants[connection % tenantCount] as BenchTenant;
  const first = Math.floor(connection / tenantCount) * accountsEachConnection;
  return {
    principal: book.token.principal,
    request: {
      ...transferOf({
        debitAccountId: customers[first] as string,
        creditAccountId: customers[first + 2] as string,
        amountMinor: 1n,
      }),
      requestId: randomUUID(),
    } as TransferRequest,
  };
}

/** Keeps the batcher supplied with three batches' worth of transfers, as on a busy server. */
async function inProcess(batchMax: number): Promise<number> {
  const batcher = createTransferBatcher({ db, clock: systemClock, keys: testKeys }, { batchMax });
  const startedAt = performance.now();
  let made = 0;
  await Promise.all(
    Array.from({ length: 3 * batchMax }, async (_, at) => {
      while (performance.now() - startedAt < seconds * 1_000) {
        await batcher.submit(requestOf(at));
        made += 1;
      }
    }),
  );
  return made / ((performance.now() - startedAt) / 1_000);
}

async function plainAtOnce(clients: number): Promise<number> {
  const startedAt = performance.now();
  let made = 0;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() - startedAt < seconds * 1_000) {
        const { principal, request } = requestOf(client);
        await plainTransfer({ db, clock: systemClock, keys: testKeys }, principal, request);
        made += 1;
      }
    }),
  );
  return made / ((performance.now() - startedAt) / 1_000);
}

/** One transfer at a time, by turns through the batcher and in a transaction of its own. */
async function loneLatency(): Promise<{ figure: string; value: number }[]> {
  const batcher = createTransferBatcher({ db, clock: systemClock, keys: testKeys });
  const [plain, batched]: [number[], number[]] = [[], []];
  const deadline = performance.now() + seconds * 1_000;
  while (performance.now() < deadline) {
    const first = requestOf(0);
    const startedAt = performance.now();
    await plainTransfer({ db, clock: systemClock, keys: testKeys }, first.principal, first.request);
    const between = performance.now();
    await batcher.submit(requestOf(1));
    plain.push(between - startedAt);
    batched.push(performance.now() - between);
  }
  return [
    { figure: "plainLatency", value: median(plain) },
    { figure: "batchedLatency", value: median(batched) },
  ];
}
