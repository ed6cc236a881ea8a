import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

// The processes of a running program and their connections, according to the kernel.

/** The PostgreSQL processes that work on this data folder; the first is the server itself. */
export function postgresProcesses(dataFolder: string): number[] {
  const cluster = join(dataFolder, "postgres");
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === cluster;
      } catch {
        return false;
      }
    })
    .sort((a, b) => a - b);
}

/** The database server itself, as its own file says. */
export function postmasterPid(dataFolder: string): number {
  return Number(readFileSync(join(dataFolder, "postgres/postmaster.pid"), "utf8").split("\n")[0]);
}

/** The callers' ports of a process's connections. */
export function callersOf(pid: number): Set<number> {
  const inodes = new Set<string>();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`)) ?? [];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed meanwhile.
    }
  }
  const ports = new Set<number>();
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [, port] = (fields[2] ?? "").split(":");
    if (port !== undefined && inodes.has(fields[9] ?? "")) ports.add(Number.parseInt(port, 16));
  }
  return ports;
}

/** The child processes of a process, in the order of their start. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((text) => text !== "")
    .map(Number)
    .sort((a, b) => a - b);
}

/** Its workers that serve, without those that start or leave. */
export function workersOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => {
    try {
      return /^fusion worker \d+\0*$/.test(readFileSync(`/proc/${child}/cmdline`, "utf8"));
    } catch {
      return false;
    }
  });
}
