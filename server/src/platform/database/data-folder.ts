import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isServedUnseen, servedUnseen } from "./embedded-postgres.ts";

/** The data folder cannot be used; the message is one sentence for the person at the terminal. */
export class DataFolderUnusable extends Error {}

/** Another process works on this data folder. */
export class DataFolderInUse extends DataFolderUnusable {
  readonly pid: number;

  constructor(folder: string, pid: number) {
    super(
      `Fusion already runs on ${folder} (process ${pid}). Stop it first, or give this one another folder with DATA_DIR.`,
    );
    this.pid = pid;
  }
}

export interface DataFolderLock {
  release(): void;
}

/**
 * Makes the folder if missing and locks it for this process alone. Throws {@link DataFolderInUse} while another process holds it; a process
 * that was killed, on this boot or an earlier one, holds nothing. Throws {@link DataFolderUnusable} where a running database server, not
 * visible from here, shows that a process which looks killed is alive in another container.
 *
 * Each process first creates a file named after itself, and only then looks for others. Of two that start at once, at least one sees the
 * other, so two never both hold the folder. A single lock file that is taken over when stale could not promise that.
 */
export async function lockDataFolder(folder: string): Promise<DataFolderLock> {
  makeFolder(folder);
  const own = join(folder, lockName(process.pid, startOf(process.pid) ?? "0"));
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(own, "", { mode: 0o644 });
    } catch (error) {
      throw unusable(folder, error);
    }
    const { holder, dead } = findHolder(folder);
    if (holder === undefined) {
      if (dead.length > 0 && (await isServedUnseen(folder))) {
        rmSync(own, { force: true });
        throw new DataFolderUnusable(servedUnseen(folder));
      }
      for (const path of dead) rmSync(path, { force: true });
      return { release: () => rmSync(own, { force: true }) };
    }
    rmSync(own, { force: true });
    // Two processes that start together see each other and both step back; unequal pauses let one of them through.
    if (attempt === 3) throw new DataFolderInUse(folder, holder);
    await sleep(20 + Math.random() * 100);
  }
}

/** The other living process that holds the folder, and the files of those that seem dead. */
function findHolder(folder: string): {
  readonly holder: number | undefined;
  readonly dead: readonly string[];
} {
  const dead: string[] = [];
  for (const name of readdirSync(folder)) {
    const match = /^in-use-by\.(\d+)\.(\d+)\.([0-9a-f]*)$/.exec(name);
    if (!match) continue;
    const [, pid, start, boot] = match;
    if (Number(pid) === process.pid && name === lockName(process.pid, startOf(process.pid) ?? "0")) continue;
    if (boot === bootId() && start !== undefined && startOf(Number(pid)) === start)
      return { holder: Number(pid), dead };
    dead.push(join(folder, name));
  }
  return { holder: undefined, dead };
}

function lockName(pid: number, start: string): string {
  return `in-use-by.${pid}.${start}.${bootId()}`;
}

/** Distinguishes this boot of the machine from earlier ones, whose process ids mean nothing now. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8")
      .replaceAll(/[^0-9a-f]/g, "")
      .slice(0, 12);
  } catch {
    return "";
  }
}

/** When the process started, in the kernel's ticks, to tell a reused id apart; undefined when it is not alive. */
function startOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return process.platform === "linux" ? undefined : startWithoutProc(pid);
  }
  // The name (field 2) is in parentheses and may hold anything, so fields count from its end: state is the 3rd, start the 22nd.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}

function startWithoutProc(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return "0";
  } catch {
    return undefined;
  }
}

function makeFolder(folder: string): void {
  try {
    // As root, the database server runs under another account, which must be able to pass through.
    const mode = process.getuid?.() === 0 ? 0o755 : 0o700;
    // One folder at a time: where a parent exists but nothing can be made in it (/proc), a recursive mkdir tries for ever.
    const missing: string[] = [];
    for (let path = folder; !existsSync(path); path = dirname(path)) missing.unshift(path);
    for (const path of missing) {
      try {
        mkdirSync(path, { mode });
      } catch (error) {
        // Another start made it a moment ago.
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
  } catch (error) {
    throw unusable(folder, error);
  }
}

function unusable(folder: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const why: Record<string, string> = {
    EEXIST: "it is a file, not a folder",
    ENOENT: "no folder can be made there",
    ENOTDIR: "it, or something on the way to it, is a file and not a folder",
    EACCES: "this account may not write there",
    EPERM: "this account may not write there",
    EROFS: "it is on a read-only disk",
    ENOSPC: "the disk is full",
    ENAMETOOLONG: "its name is too long",
    ELOOP: "it is a link that leads in a circle",
  };
  const reason = why[code];
  if (reason === undefined) return error as Error;
  return new DataFolderUnusable(
    `The data folder ${folder} cannot be used: ${reason}. Set DATA_DIR to another.`,
  );
}
