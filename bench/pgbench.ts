// pgbench's TPC-B-like script as the yardstick of what the machine and its PostgreSQL can do.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = "/usr/lib/postgresql";

/** Debian keeps it in a folder by version. If it is missing, it is installed when we are root; otherwise an error says what is needed. */
export function findPgbench(): string {
  const installed = (): string | undefined =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .map((version) => `${folder}/${version}/bin/pgbench`)
      .find((path) => existsSync(path));
  const found = installed();
  if (found) return found;
  if (spawnSync("pgbench", ["--version"]).status === 0) return "pgbench";
  const needed = "The benchmark needs pgbench: apt-get install --no-install-recommends postgresql-contrib";
  if (process.getuid?.() !== 0) throw new Error(needed);
  execFileSync("apt-get", ["install", "-y", "--no-install-recommends", "postgresql-contrib"], {
    stdio: "ignore",
  });
  const now = installed();
  if (!now) throw new Error(needed);
  return now;
}

export async function preparePgbench(pgbench: string, socketFolder: string): Promise<void> {
  await run(pgbench, ["-h", socketFolder, "-U", "fusion", "-i", "-q", "-s", "20", "pgbench"]);
}

/** Transactions per second with `-c 16 -j 2 -M prepared`. */
export async function runPgbench(pgbench: string, socketFolder: string, seconds: number): Promise<number> {
  const { stdout } = await run(pgbench, [
    ...["-h", socketFolder, "-U", "fusion"],
    ...["-s", "20", "-c", "16", "-j", "2", "-M", "prepared", "-T", String(seconds), "pgbench"],
  ]);
  const [, tps] = /tps = ([\d.]+) \(without initial/.exec(stdout) ?? [];
  if (tps === undefined) throw new Error(`pgbench said something else than expected:\n${stdout}`);
  return Number(tps);
}
