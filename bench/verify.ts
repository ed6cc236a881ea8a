// npm run bench:verify -- [--rounds 16] [--seconds 1] [--stored 100000] [--remembered 100000] [--only check,fastify] [--profile folder]
//
// What the check of a token costs, against servers that answer a constant, the same check without its memory, and other programs' checks
// (bench/README.md). Each is measured right beside its counterpart, in many short slices; one JSON line per figure.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import pg from "pg";
import { openDatabase } from "../server/src/platform/database/database.ts";
import { migrate } from "../server/src/platform/database/migrate.ts";
import { prepareJobSchema } from "../server/src/platform/jobs/schema.ts";
import { silentLog } from "../server/src/platform/log.ts";
import { arrangeBook } from "../server/src/testing/ledger-fixture.ts";
import { startBenchPostgres, startBenchServer, startOtherServer } from "./bench-server.ts";
import { addStoredTokens, addUsableTokens, arrangeOwners, unknownSecrets } from "./bench-tokens.ts";
import { type Figure, printFigure } from "./figures.ts";
import type { KeepAliveOrder, KeepAliveResult } from "./keep-alive-load.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "16" },
    // Long enough that what a program writes behind its answers falls into its own slice.
    seconds: { type: "string", default: "1" },
    // How many tokens are in the table besides those that are presented.
    stored: { type: "string", default: "100000" },
    // How many other tokens the second program has in memory.
    remembered: { type: "string", default: "100000" },
    // Some of the sides below; all of them unless told otherwise.
    only: { type: "string" },
    // A folder for profiles of the programs' processor time.
    profile: { type: "string" },
  },
});
const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)];
const [stored, remembered] = [Number(options.stored), Number(options.remembered)];
const tokensInRotation = 10_000;
const connections = 32;
const warmUpSeconds = 2;
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const isWanted = (side: string): boolean =>
  options.only === undefined || options.only.split(",").includes(side);
const nodeOptions = options.profile ? ["--cpu-prof", `--cpu-prof-dir=${options.profile}`] : [];

interface Side {
  readonly port: number;
  readonly before: string;
  readonly after: string;
  readonly values?: string;
  readonly expected: string;
  readonly remembers?: boolean;
}
type Start = () => Promise<Side>;

const folder = mkdtempSync(join(tmpdir(), "fusion-bench-verify-"));
const inFolder = (name: string): string => join(folder, name);
const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
const client = startClient();
ends.push(() => client.stop());
const comparisons = whatIsCompared().filter(({ ours, theirs }) => isWanted(ours) && isWanted(theirs));
const slices = new Map<Comparison, { ours: KeepAliveResult[]; theirs: KeepAliveResult[] }>();
try {
  requirePeers();
  const postgres = await startBenchPostgres();
  ends.push(() => postgres.stop());
  // Pinned beside the load, since the database's own work is not part of the program's.
  spawnSync("taskset", ["-a", "-p", "-c", "1", String(postgres.pid)]);
  const sides = await arrangeSides(postgres.url);
  say("warming up");
  const running = new Map<string, Side>();
  for (const [name, start] of Object.entries(sides)) {
    if (!isWanted(name)) continue;
    const side = await start();
    running.set(name, side);
    // Each token once, so that it is in the memory of a side that has one. The runtime compiles code that runs often, so a program that has
    // just started must not be compared.
    if (side.remembers) await load(side, { seconds: 0, once: true });
    await load(side, { seconds: warmUpSeconds });
  }
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    for (const comparison of comparisons) {
      const { ours, theirs } = comparison;
      const kept = slices.get(comparison) ?? { ours: [], theirs: [] };
      slices.set(comparison, kept);
      // The sides also take turns in going first.
      for (const which of round % 2 === 0 ? (["ours", "theirs"] as const) : (["theirs", "ours"] as const)) {
        const name = which === "ours" ? ours : theirs;
        const result = await load(running.get(name) as Side, { seconds });
        kept[which].push(result);
        say(`  ${name}: ${result.perSecond.toFixed(0)} /s, p99 ${result.p99Ms.toFixed(2)} ms`);
      }
    }
  }
} finally {
  for (const end of ends.toReversed()) await end();
}
for (const comparison of comparisons) for (const figure of figuresOf(comparison)) printFigure(figure);

/** Everything that is measured: how it is started, and what it is asked. */
async function arrangeSides(
  url: (database: string, role?: string) => string,
): Promise<Record<string, Start>> {
  const ownerUrl = url("fusion");
  await migrate(ownerUrl);
  await prepareJobSchema(ownerUrl);
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  await owner.query("CREATE ROLE bench_server LOGIN IN ROLE fusion_runtime");
  for (const name of ["better_auth", "better_auth_memory"]) await owner.query(`CREATE DATABASE ${name}`);
  const owners = await arrangeOwners(owner);
  if (stored > 0) {
    say(`storing ${stored.toLocaleString("en")} tokens`);
    await addStoredTokens(owner, owners, { count: stored, say });
  }
  await addUsableTokens(owner, owners, { count: tokensInRotation, file: inFolder("live") });
  if (remembered > 0)
    await addUsableTokens(owner, owners, { count: remembered, file: inFolder("remembered") });
  writeFileSync(inFolder("unknown"), unknownSecrets(200_000).join("\n"));
  const balance = await arrangeBalance(ownerUrl, owner);
  await owner.query("VACUUM ANALYZE");
  await owner.end();

  const programs = new Map<string, Promise<number>>();
  const program = (name: string): Promise<number> => {
    const known = programs.get(name) ?? startProgram(ownerUrl, url("fusion", "bench_server"));
    programs.set(name, known);
    return known;
  };
  const constant =
    (server: string): Start =>
    async () => {
      const port = await other("constant-servers.ts", { SERVER: server });
      return { ...get("/constant", []), port: port.port, expected: "200" };
    };
  const check =
    (values: string, expected: string): Start =>
    async () => {
      const side = { ...get("/gateway/check", ["x-zeta-authtoken: "]), values: inFolder(values), expected };
      return { ...side, port: await program("first"), remembers: expected === "200" };
    };
  const betterAuth =
    (storage: string, database: string): Start =>
    async () => {
      const values = inFolder(`better-auth-${storage}`);
      const { port } = await other("peers/better-auth.mjs", {
        STORAGE: storage,
        DATABASE_URL: url(database),
        KEYS: "500",
        SECRETS_FILE: values,
      });
      return { ...get("/", ["x-api-key: "]), port, values, expected: "200" };
    };
  return {
    bare: constant("bare"),
    fastify: constant("fastify"),
    frame: constant("frame"),
    check: check("live", "200"),
    async balance() {
      const { path, secret } = balance;
      const { before, after } = get(path, [`x-zeta-authtoken: ${secret}`]);
      return { before, after, port: await program("first"), expected: "200" };
    },
    async malformed() {
      const { before, after } = get("/gateway/check", [`x-zeta-authtoken: fus_live_${"x".repeat(36)}`]);
      return { before, after, port: await program("first"), expected: "401" };
    },
    unknown: check("unknown", "401"),
    async database() {
      const { port } = await other("asking-gateway.ts", { DATABASE_URL: ownerUrl });
      const side = get("/gateway/check", ["x-zeta-authtoken: "]);
      return { ...side, port, values: inFolder("live"), expected: "200" };
    },
    betterAuth: betterAuth("database", "better_auth"),
    betterAuthMemory: betterAuth("memory", "better_auth_memory"),
    async oidc() {
      const values = inFolder("oidc");
      const { port, authorization } = await other<{ port: number; authorization: string }>(
        "peers/oidc-provider.mjs",
        { KEYS: "5000", SECRETS_FILE: values },
      );
      const length = "token=".length + 43;
      const before = `POST /token/introspection HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: ${authorization}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: ${length}\r\n\r\ntoken=`;
      return { before, after: "", port, values, expected: "200" };
    },
    async jose() {
      const values = inFolder("jose");
      const { port } = await other("peers/jose.mjs", { KEYS: "2000", SECRETS_FILE: values });
      return { ...get("/", ["authorization: Bearer "]), port, values, expected: "200" };
    },
    ...(remembered > 0
      ? {
          async remembered() {
            return {
              ...get("/gateway/check", ["x-zeta-authtoken: "]),
              port: await program("second"),
              values: inFolder("remembered"),
              expected: "200",
              remembers: true,
            };
          },
        }
      : {}),
  };
}

/** A fintech's token and one of its accounts, for a read of the Fusion API. */
async function arrangeBalance(ownerUrl: string, owner: pg.Pool): Promise<{ path: string; secret: string }> {
  const db = openDatabase({ connectionString: ownerUrl, role: "fusion_runtime", log: silentLog() });
  try {
    const { tenant, token, fund } = await arrangeBook({ db, owner });
    const accountId = await fund(1_000n);
    return { path: `/api/v1/ifi/${tenant.ifiId}/accounts/${accountId}/balance`, secret: token.secret };
  } finally {
    await db.close();
  }
}

/**
 * Starts the program in production mode, as a user runs it behind a proxy: usage recording, limits, access log. Nothing is sent anywhere.
 */
async function startProgram(ownerUrl: string, runtimeUrl: string): Promise<number> {
  const server = await startBenchServer(ownerUrl, nodeOptions, {
    FUSION_ENV: "production",
    PUBLIC_URL: "https://fusion.example",
    DATABASE_URL: runtimeUrl,
    MIGRATION_DATABASE_URL: ownerUrl,
    FUSION_ROOT_KEY: Buffer.alloc(32, 7).toString("base64"),
    SMTP_URL: "smtp://127.0.0.1:9",
    MAIL_FROM: "bench@fusion.example",
    SMS_GATEWAY_URL: "https://127.0.0.1:9",
    SMS_GATEWAY_TOKEN: "bench",
    SMS_TEMPLATE_OTP: "bench",
    SMS_TEMPLATE_REMINDER: "bench",
    SMS_TEMPLATE_NOTICE: "bench",
    TRUSTED_PROXIES: "127.0.0.1",
    TOKEN_MEMORY_MIB: "4096",
  });
  ends.push(() => server.stop());
  return server.port;
}

async function other<Said extends { readonly port: number } = { readonly port: number }>(
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<Said> {
  const server = await startOtherServer<Said>(file, environment);
  ends.push(() => server.stop());
  return server.said;
}

/** A GET whose last header line ends in the value, as a proxy sends it. */
function get(path: string, headers: readonly string[]): { before: string; after: string } {
  const lines = [`GET ${path} HTTP/1.1`, "host: 127.0.0.1", "user-agent: bench", ...headers];
  return { before: lines.join("\r\n"), after: "\r\n\r\n" };
}

async function load(
  { port, before, after, values, expected }: Side,
  { seconds: forSeconds, once }: { readonly seconds: number; readonly once?: boolean },
): Promise<KeepAliveResult> {
  const order: KeepAliveOrder = { port, connections, seconds: forSeconds, before, after, values, once };
  const result = await client.perform(order);
  // A slice in which a slow side answers nothing counts as zero. An unexpected answer is an error.
  if (Object.keys(result.statuses).some((status) => status !== expected))
    throw new Error(`Not every answer was ${expected}: ${JSON.stringify(result.statuses)}`);
  return result;
}

/** The load generator, on core 1. One process for the whole run, so that its code is compiled. */
function startClient(): { perform(order: KeepAliveOrder): Promise<KeepAliveResult>; stop(): void } {
  const program = join(import.meta.dirname, "keep-alive-load.ts");
  const child = spawn("taskset", ["-c", "1", process.execPath, program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async perform(order) {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("The process that sends the load ended.");
      return JSON.parse(value) as KeepAliveResult;
    },
    stop: () => void child.stdin.end(),
  };
}

/** Installs the peers once: exactly what the lock file names, without running anybody's install script. */
function requirePeers(): void {
  const peers = join(import.meta.dirname, "peers");
  if (existsSync(join(peers, "node_modules", ".package-lock.json"))) return;
  say("installing the peers (bench/peers)");
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts"], {
    cwd: peers,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0)
    throw new Error(
      "The peers are not installed. This benchmark needs npm and a registry: npm ci --ignore-scripts in bench/peers.",
    );
}

interface Comparison {
  readonly name: string;
  readonly ours: string;
  readonly theirs: string;
  readonly goal: number | null;
  /** The most that our p99 may be in relation to theirs, where that is a figure too. */
  readonly p99AtMost?: number;
}

function whatIsCompared(): Comparison[] {
  const compare = (name: string, ours: string, theirs: string, goal: number | null): Comparison => ({
    name,
    ours,
    theirs,
    goal,
  });
  return [
    compare("a: Fastify answering a constant, and bare node:http", "fastify", "bare", null),
    compare(
      "a: our frame answering a constant (ids, headers, log), and bare node:http",
      "frame",
      "bare",
      null,
    ),
    {
      ...compare("b: gateway check, and Fastify answering a constant", "check", "fastify", 0.85),
      p99AtMost: 2,
    },
    compare("b: gateway check, and bare node:http", "check", "bare", 0.65),
    compare("c: gateway check, and asking PostgreSQL each time", "check", "database", 2.2),
    compare("d: gateway check, and better-auth on PostgreSQL", "check", "betterAuth", 25),
    compare("d: gateway check, and better-auth in memory", "check", "betterAuthMemory", 7),
    compare("e: gateway check, and oidc-provider's introspection", "check", "oidc", 4.5),
    compare("f: gateway check, and jose RS256", "check", "jose", 2),
    ...(remembered > 0
      ? [
          compare(
            `g: ${remembered} tokens in memory of ${stored + remembered + tokensInRotation} stored, and b`,
            "remembered",
            "check",
            0.9,
          ),
        ]
      : []),
    compare("h: malformed token, and a good one", "malformed", "check", 1),
    compare("h: well-formed token that nobody has, and a good one", "unknown", "check", null),
    compare("i: a balance of the Fusion API, and the gateway check", "balance", "check", null),
  ];
}

function figuresOf(comparison: Comparison): Figure[] {
  const { name, goal, p99AtMost } = comparison;
  const { ours, theirs } = slices.get(comparison) ?? { ours: [], theirs: [] };
  const of = (what: "perSecond" | "p99Ms"): { ours: number[]; theirs: number[] } => ({
    ours: ours.map((slice) => measureOf(slice, what)),
    theirs: theirs.map((slice) => measureOf(slice, what)),
  });
  return [
    { name, ...of("perSecond"), unit: "1/s", goal: goal === null ? null : { atLeast: goal } },
    ...(p99AtMost === undefined
      ? []
      : [{ name: `${name}, p99`, ...of("p99Ms"), unit: "ms", goal: { atMost: p99AtMost } }]),
  ];
}

/** A side that answers nothing is not fast. */
function measureOf(slice: KeepAliveResult, what: "perSecond" | "p99Ms"): number {
  return what === "p99Ms" && slice.perSecond === 0 ? Number.POSITIVE_INFINITY : slice[what];
}
