import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { leaseMs, marginMs } from "../../server/src/leases/lease.ts";
import { freePort } from "../../server/src/testing/free-port.ts";
import { type Arrangement, arrangeDatabase, nodeRole } from "./arrange.ts";
import { checkHistory, type Verdict } from "./check-history.ts";
import { type DatabaseLink, openDatabaseLink } from "./database-link.ts";
import { startExternalPostgres } from "./external-postgres.ts";
import { type Cluster, createSaboteur, type FaultName } from "./faults.ts";
import { type CallKind, type RevokePath, readHistory, writeHistory } from "./history.ts";
import { openConnection } from "./http-connection.ts";
import { startLoad } from "./load.ts";
import { measure } from "./measure.ts";
import { arrangeNode, type NodeProcess } from "./node-process.ts";
import { now } from "./now.ts";
import { type Chance, seededChance } from "./random.ts";
import { readLedger } from "./read-ledger.ts";
import { callRequest, revokeRequest } from "./requests.ts";
import { createRevoker } from "./revoker.ts";
import { storm } from "./storm.ts";

export interface RunOptions {
  /**
   * The run ends when this many calls were answered and this many tokens revoked under faults, and each kind of fault has had its turns.
   */
  readonly calls: number;
  readonly revokes: number;
  /** Decides every choice that the test makes; the timing of the machine remains random. */
  readonly seed: number;
  /** Kinds of faults to do, in the order in which they take turns; all of them, shuffled, when left out. */
  readonly faults?: readonly FaultName[];
  /** The least number of turns for each kind. */
  readonly turns: number;
  readonly clientsEach?: number;
  /** Leaves out the quiet phases, which serve measuring only. */
  readonly withoutPhases?: boolean;
  /** The server to run. */
  readonly serverFolder: string;
  /** Where the history is written and kept; when left out, a temporary file that is removed at the end. */
  readonly historyFile?: string;
  readonly fillDelayMs?: number;
  readonly say: (line: string) => void;
}

export const nodeCount = 3;
/** How long a node may go on from memory, and how much longer a revoke waits for that. */
export const leaseAndMarginMs: number = leaseMs + marginMs;
const fintechCount = 6;
/** Clients that call each node; during some of the faults most of them wait for an answer. */
const standardClientsEach = 40;
/** Tokens in addition to those to be revoked: they are still in use at the end, or used by revokes beyond the number asked for. */
const spareTokens = 1_000;

/** One whole run: starts everything, performs the run, ends everything, and judges what was seen. */
export async function runRevocationTest(options: RunOptions): Promise<Verdict> {
  const { say } = options;
  const chance = seededChance(options.seed);
  const ended: string[] = [];
  const undo: (() => Promise<void>)[] = [];
  const file =
    options.historyFile ?? join(tmpdir(), `fusion-revocation-${process.pid}-${options.seed}.jsonl`);
  try {
    const postgres = await startExternalPostgres(await freePort());
    undo.push(() => postgres.remove());
    await createDatabase(postgres.url("postgres"));
    const ownerUrl = postgres.url("fusion");
    const arrangement = await arrangeDatabase(ownerUrl, {
      fintechs: fintechCount,
      tokens: Math.ceil(options.revokes * 1.5) + spareTokens,
      migrationsFolder: join(options.serverFolder, "migrations/"),
    });
    const links: DatabaseLink[] = [];
    const nodes: NodeProcess[] = [];
    undo.push(async () => {
      for (const link of links) link.heal();
      await Promise.all(nodes.map((node) => node.remove()));
      await Promise.all(links.map((link) => link.close()));
    });
    for (let number = 0; number < nodeCount; number += 1) {
      const link = await openDatabaseLink(postgres.port);
      links.push(link);
      const url = (role: string): string => `postgres://${role}@127.0.0.1:${link.port}/fusion`;
      nodes.push(
        arrangeNode({
          number,
          port: await freePort(),
          databaseUrl: url(nodeRole),
          migrationUrl: url("fusion"),
          serverFolder: options.serverFolder,
          fillDelayMs: options.fillDelayMs ?? 0,
          onUnexpectedEnd: (said) => ended.push(`node ${number} at ${now().toFixed(0)} ms: ${said}`),
        }),
      );
    }
    await Promise.all(nodes.map((node) => node.start()));
    if (links.some((link) => link.listeners() === 0))
      throw new Error("A node does not listen for notifications, or not in a way that the test knows.");
    say(`${nodeCount} nodes are ready`);
    return await drive({
      options,
      chance,
      arrangement,
      cluster: { postgres, nodes, links },
      ownerUrl,
      file,
      ended,
    });
  } finally {
    for (const step of undo.toReversed()) await step();
    if (options.historyFile === undefined) rmSync(file, { force: true });
  }
}

async function createDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  await client.query("CREATE DATABASE fusion");
  await client.end();
}

interface Running {
  readonly options: RunOptions;
  readonly chance: Chance;
  readonly arrangement: Arrangement;
  readonly cluster: Cluster;
  readonly ownerUrl: string;
  readonly file: string;
  readonly ended: readonly string[];
}

async function drive({
  options,
  chance,
  arrangement,
  cluster,
  ownerUrl,
  file,
  ended,
}: Running): Promise<Verdict> {
  const ports = cluster.nodes.map(({ port }) => port);
  const served = await whatIsServed(ports[0] as number, arrangement, chance);
  const history = writeHistory(file);
  const load = startLoad({
    ports,
    tokens: arrangement.tokens,
    kinds: served.kinds,
    chance,
    history,
    clientsEach: options.clientsEach ?? standardClientsEach,
  });
  const revoker = createRevoker({ ports, paths: served.paths, load, chance });
  const saboteur = createSaboteur(cluster, chance);
  const test = { cluster, load, revoker, saboteur, chance, say: options.say };
  const phases = options.withoutPhases ? [] : await measure(test);
  await storm(test, options);
  await saboteur.settled();
  await revoker.settled();
  await load.stop();
  await history.close();
  options.say("judging");
  return checkHistory({
    nodes: nodeCount,
    calls: readHistory(file),
    revocations: revoker.revocations(),
    faults: saboteur.faults(),
    phases,
    ...(await readLedger(ownerUrl, arrangement.tokens)),
    unexpectedEnds: ended,
    leaseAndMarginMs,
  });
}

/** What can be called, and how tokens can be revoked: also by the OAuth endpoint, where it is served. */
async function whatIsServed(
  port: number,
  { tokens }: Arrangement,
  chance: Chance,
): Promise<{ kinds: CallKind[]; paths: RevokePath[] }> {
  const connection = openConnection(port);
  const ask = async (request: string): Promise<string> => (await connection.send(request, 10_000)).outcome;
  const good = tokens[0] as (typeof tokens)[number];
  const junk = { ...good, secret: "junk" };
  const check = await ask(callRequest("check", good, chance, 0));
  const refused = await ask(callRequest("check", junk, chance, 0));
  const oauth = await ask(revokeRequest("oauth", junk));
  connection.close();
  if (check !== "200" || !refused.startsWith("401"))
    throw new Error(`The gateway check answers ${check} to a good token and ${refused} to junk.`);
  return {
    kinds: ["read", "check", "transfer"],
    // RFC 7009 section 2.2: an invalid token is answered 200.
    paths: oauth === "200" ? ["console", "oauth"] : ["console"],
  };
}
