import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { EmbeddedPostgresUnavailable, type PostgresFiles } from "./postgres-files.ts";

const leftOverDeadlineMs = 30_000;

/**
 * Makes an empty cluster. It is made under another name and moved into place when complete. A start that is killed half-way so leaves a
 * draft, which the next one removes, and never a folder that looks like a database.
 */
export async function initialiseCluster(files: PostgresFiles, cluster: string): Promise<void> {
  const parent = dirname(cluster);
  for (const name of readdirSync(parent))
    if (name.startsWith(`${basename(cluster)}.draft-`)) remove(join(parent, name));
  const draft = `${cluster}.draft-${process.pid}`;
  mkdirSync(draft, { mode: 0o700 });
  if (files.account) chownSync(draft, files.account.uid, files.account.gid);
  const [command, leading] = files.command("initdb");
  try {
    await finished(
      spawn(
        command,
        [
          ...leading,
          ...["-D", draft],
          ...["-U", "fusion"],
          ...["-A", "trust"],
          ...["-E", "UTF8"],
          ...["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"],
        ],
        // Detached, so that Ctrl-C reaches only this process, which waits for it.
        {
          cwd: "/",
          env: files.environment,
          ...files.spawnAs,
          detached: true,
          stdio: ["ignore", "ignore", "pipe"],
        },
      ),
    );
    renameSync(draft, cluster);
  } catch (error) {
    remove(draft);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST")
      throw new EmbeddedPostgresUnavailable(
        `${cluster} holds something that is not a database of ours. Move it away, or set DATA_DIR to another folder.`,
      );
    throw new EmbeddedPostgresUnavailable(`PostgreSQL could not make its data folder: ${message}`);
  }
}

/** Resolves when the program succeeded; rejects with its output, or with the reason why it could not be run. */
async function finished(child: ChildProcessByStdio<null, null, Readable>): Promise<void> {
  const [said, [code, signal]] = await Promise.all([
    text(child.stderr),
    once(child, "close") as Promise<[code: number | null, signal: NodeJS.Signals | null]>,
  ]);
  if (code !== 0) throw new Error(said.trim() || `it ended with ${signal ?? code}`);
}

/**
 * Ends everything that a killed process of ours left running on this cluster, and waits for it: the server itself or, when the server was
 * killed, its workers, which notice that only after their current statement. Removes a pid file whose process id now belongs to another
 * program, which would keep PostgreSQL from starting.
 */
export async function endLeftOverServer(cluster: string): Promise<void> {
  const startedAt = performance.now();
  // Read before looking for processes: a pid file that appears later is a living server's.
  const pidFileBefore = readPidFile(cluster);
  for (let asked = false; ; ) {
    const left = processesIn(cluster);
    if (left.length === 0) break;
    const waitedMs = performance.now() - startedAt;
    const postmaster = postmasterPid(cluster);
    if (!asked && postmaster !== undefined && left.includes(postmaster)) {
      signal(postmaster, "SIGINT");
      asked = true;
    } else if (postmaster === undefined || !left.includes(postmaster)) {
      // These are orphans. Their server would have sent them SIGQUIT in a crash.
      if (waitedMs > 1_000) for (const pid of left) signal(pid, waitedMs > 5_000 ? "SIGKILL" : "SIGQUIT");
    } else if (waitedMs > 15_000) signal(postmaster, "SIGQUIT");
    if (waitedMs > leftOverDeadlineMs) {
      throw new EmbeddedPostgresUnavailable(
        `A PostgreSQL left over from an earlier run does not end (process ${left[0]}). End it and start again.`,
      );
    }
    await sleep(20);
  }
  if (pidFileBefore !== undefined && readPidFile(cluster) === pidFileBefore)
    rmSync(join(cluster, "postmaster.pid"), { force: true });
}

function readPidFile(cluster: string): string | undefined {
  try {
    return readFileSync(join(cluster, "postmaster.pid"), "utf8");
  } catch {
    return undefined;
  }
}

function postmasterPid(cluster: string): number | undefined {
  const text = readPidFile(cluster);
  return text === undefined ? undefined : Number(text.split("\n")[0]);
}

/** PostgreSQL's processes run in their data folder, and no others do. Pids in files prove nothing: numbers are reused. */
export function processesIn(cluster: string): number[] {
  let folder: string;
  try {
    folder = realpathSync(cluster);
  } catch {
    return []; // No cluster yet.
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === folder && isPostgres(pid);
      } catch {
        return false; // Gone meanwhile, or another account's.
      }
    });
}

/** Workers rename themselves ("postgres: checkpointer"), so the executable file is checked. */
function isPostgres(pid: number): boolean {
  return basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "")) === "postgres";
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone meanwhile.
  }
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}
