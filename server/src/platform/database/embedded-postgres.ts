import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { endLeftOverServer, initialiseCluster, processesIn } from "./postgres-cluster.ts";
import {
  EmbeddedPostgresUnavailable,
  findPostgresFiles,
  type PostgresFiles,
  serverAccount,
} from "./postgres-files.ts";
import { isCondition } from "./sql-state.ts";

/** A running PostgreSQL server that belongs to one data folder. */
export interface EmbeddedPostgres {
  /** Connects as the owner (a superuser of this server) unless another role is named; database `postgres` unless named. */
  connectionString(database?: string, role?: string): string;
  /** Resolves when the server has ended, by us or by itself. */
  readonly ended: Promise<void>;
  readonly pid: number;
  /** Ends it cleanly ("fast" shutdown: running transactions are rolled back, the data is checkpointed). */
  stop(): Promise<void>;
  /** Ends it at once; the next start recovers from its log. For a person who insists. */
  abandon(): void;
}

/** Logged for each of our attempts to connect while it starts. These lines would push out the reason why it ends. */
const notYetReady =
  /^.*FATAL: +the database system is (?:starting up|not yet accepting connections)\n(?:.*DETAIL: .*\n)?/gm;

/** Does not apply to crash recovery, which may take as long as it takes. */
const startDeadlineMs = 60_000;

/**
 * Starts the PostgreSQL that comes with the npm packages on `dataFolder` (made if missing), listening on a Unix socket only, with fsync on.
 * First ends a server left over by a killed process of ours, so that the new one runs with this release's settings. The caller holds the
 * lock on the folder (`data-folder.ts`), so nobody else does the same at once.
 */
export async function startEmbeddedPostgres(
  dataFolder: string,
  {
    onFirstStart,
    connectionsMax = 100,
  }: {
    readonly onFirstStart?: (() => void) | undefined;
    readonly connectionsMax?: number | undefined;
  } = {},
): Promise<EmbeddedPostgres> {
  mkdirSync(dataFolder, { recursive: true });
  const cluster = join(dataFolder, "postgres");
  const run = runFolder(dataFolder);
  if (await isServedUnseen(dataFolder)) throw new EmbeddedPostgresUnavailable(servedUnseen(dataFolder));
  await endLeftOverServer(cluster);
  // The folder is ours alone and nothing runs on it now; a stale lock whose process id still exists (as a zombie, say) would prevent the
  // start.
  for (const file of [".s.PGSQL.5432", ".s.PGSQL.5432.lock"]) rmSync(join(run, file), { force: true });
  const links = join(run, "lib");
  const files = findPostgresFiles(links, cluster);
  if (files.account) for (const path of [run, links]) chownSync(path, files.account.uid, files.account.gid);
  if (!existsSync(join(cluster, "PG_VERSION"))) {
    onFirstStart?.();
    await initialiseCluster(files, cluster);
  }
  const { child, output } = launch(files, cluster, run, connectionsMax);
  const connectionString = socketUrl(run);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  try {
    await untilItAnswers(connectionString("postgres"), ended, output);
  } catch (error) {
    // Nobody else would end the server.
    child.ref();
    child.kill("SIGINT");
    await ended;
    throw error;
  }
  const { pid } = child;
  if (pid === undefined) throw new EmbeddedPostgresUnavailable("PostgreSQL could not be started.");
  const signal = (name: NodeJS.Signals): void => {
    if (child.exitCode === null && child.signalCode === null) child.kill(name);
  };
  return {
    connectionString,
    ended,
    pid,
    async stop() {
      // From here on the process must stay until the server has ended.
      child.ref();
      signal("SIGINT");
      await ended;
    },
    abandon: () => signal("SIGQUIT"),
  };
}

/**
 * Whether a server runs on this folder whose processes are not visible here, as in another container that shares it. Judged by the files
 * alone, whose process ids mean nothing here, it would look killed. Only a server that can be reached is noticed: not one on another
 * machine that has the folder over a network, and not one that is only starting.
 */
export async function isServedUnseen(dataFolder: string): Promise<boolean> {
  const cluster = join(dataFolder, "postgres");
  if (!existsSync(join(cluster, "postmaster.pid"))) return false;
  // Checked before and after: a server of ours may end, or start, meanwhile.
  const isSeen = (): boolean => processesIn(cluster).length > 0;
  return !isSeen() && (await answers(join(runFolder(dataFolder), ".s.PGSQL.5432"))) && !isSeen();
}

/** The message about it. */
export function servedUnseen(dataFolder: string): string {
  return `A database server runs on ${dataFolder} whose processes do not show here, as when another container shares the folder. Stop what runs there first, or give this one another folder with DATA_DIR.`;
}

/**
 * Whether anybody listens at a socket. Nobody does if the connection is refused or there is no socket; any other failure, such as a missing
 * permission, may hide a listener.
 */
async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    return !["ENOENT", "ECONNREFUSED"].includes((error as NodeJS.ErrnoException).code ?? "");
  } finally {
    socket.destroy();
  }
}

/** The address of a server that another process of ours runs on this folder. */
export function runningServerUrl(dataFolder: string): (database?: string, role?: string) => string {
  return socketUrl(runFolder(dataFolder));
}

function socketUrl(run: string): (database?: string, role?: string) => string {
  return (database = "postgres", role = "fusion") =>
    `postgres://${role}@localhost/${database}?host=${encodeURIComponent(run)}`;
}

function launch(
  files: PostgresFiles,
  cluster: string,
  run: string,
  connectionsMax: number,
): { child: ChildProcess; output: () => string } {
  let output = "";
  const [command, leading] = files.command("postgres");
  const child = spawn(
    command,
    [
      ...leading,
      ...["-D", cluster],
      ...["-k", run],
      ...["-c", "listen_addresses="],
      ...["-c", "unix_socket_permissions=0700"],
      ...["-c", "timezone=UTC"],
      ...["-c", "log_timezone=UTC"],
      ...["-c", `max_connections=${connectionsMax}`],
      ...["-c", "shared_buffers=128MB"],
    ],
    {
      cwd: "/",
      env: files.environment,
      ...files.spawnAs,
      // In a session of its own: Ctrl-C in the terminal reaches only this process, which stops the server when nothing uses it any more.
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  // Kept for the message of a failed start. What a running server writes may hold personal data and is dropped.
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output = (output + text).replaceAll(notYetReady, "").slice(-4_000);
  });
  child.once("error", (error) => {
    output += error.message;
  });
  child.unref();
  (child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
  return { child, output: () => output };
}

/**
 * The folder of the socket, inside the data folder. A socket's path is limited to about 107 bytes; for a deep folder the socket goes to the
 * system's temporary folder, in a folder that must not exist yet or must be ours already.
 */
function runFolder(dataFolder: string): string {
  const cluster = join(dataFolder, "postgres");
  const inside = join(dataFolder, "run");
  if (Buffer.byteLength(join(inside, ".s.PGSQL.5432.lock")) <= 100) {
    mkdirSync(inside, { recursive: true, mode: 0o700 });
    return inside;
  }
  const name = createHash("sha256").update(dataFolder).digest("hex").slice(0, 16);
  const own = process.getuid?.();
  const outside = join(tmpdir(), `fusion-${own ?? 0}-${name}`);
  try {
    mkdirSync(outside, { mode: 0o700 });
  } catch {
    const found = lstatSync(outside, { throwIfNoEntry: false });
    if (!found)
      throw new EmbeddedPostgresUnavailable(
        `${outside} cannot be made. Set TMPDIR to a folder that this account may write, or DATA_DIR to one with a shorter path.`,
      );
    const ours = found.uid === own || (own === 0 && found.uid === serverAccount(cluster)?.uid);
    if (!found.isDirectory() || !ours || (found.mode & 0o022) !== 0) {
      throw new EmbeddedPostgresUnavailable(
        `${outside} is not ours; remove it, or set DATA_DIR to a folder with a shorter path.`,
      );
    }
  }
  return outside;
}

/** Retries only the connection itself: a broken query must not look like a slow start. */
async function untilItAnswers(
  connectionString: string,
  ended: Promise<void>,
  output: () => string,
): Promise<void> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const deadline = performance.now() + startDeadlineMs;
  for (;;) {
    const client = new pg.Client({ connectionString });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      const code = (error as { code?: string }).code ?? "";
      await client.end().catch(() => undefined);
      if (hasEnded)
        throw new EmbeddedPostgresUnavailable(`PostgreSQL ended while starting: ${whyItEnded(output())}`);
      // It may recover for as long as it needs.
      const isStarting = isCondition(error, "cannot_connect_now");
      const hasNoSocketYet = ["ENOENT", "ECONNREFUSED", "ECONNRESET"].includes(code);
      if (!isStarting && (!hasNoSocketYet || performance.now() > deadline)) throw error;
      await sleep(15);
    }
  }
}

/**
 * The lines of PostgreSQL's output that it calls FATAL or PANIC, without time and process id, so that the same cause always reads the same;
 * the whole output if there are none.
 */
function whyItEnded(output: string): string {
  const lines = output.trim().split("\n");
  const fatal = lines.flatMap((line) => /\b(?:PANIC|FATAL): .*$/.exec(line)?.[0] ?? []);
  return (fatal.length > 0 ? fatal : lines).join("\n");
}
