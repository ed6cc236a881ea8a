import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Stands between a pool and its PostgreSQL, and breaks connections at the worst moment. */
export interface CuttingProxy {
  readonly connectionString: string;
  /**
   * The next COMMIT reaches the server and happens. The client receives this share of the server's answer (0 to 1, never all of it), then
   * its connection breaks. `onCut` runs between the commit and the break.
   */
  cutNextCommit(share: number, onCut?: () => void): void;
  /** How many commits were cut so far. */
  cuts(): number;
  /** From now on nothing passes, in either direction, on the connections that are open or on all; none is broken. */
  fallSilent(which: "open ones" | "all"): void;
  close(): Promise<void>;
}

const socketName = ".s.PGSQL.5432";
/** The end of a message of the simple protocol, which the program uses to commit. */
const commitEnd = Buffer.from("COMMIT\0");
/** ReadyForQuery, outside any transaction: what came before it is on disk. */
const idleEnd = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** `serverUrl` names the server by the folder of its Unix socket (`?host=`). */
export async function startCuttingProxy(serverUrl: string): Promise<CuttingProxy> {
  const url = new URL(serverUrl);
  const serverSocket = join(url.searchParams.get("host") ?? "", socketName);
  const folder = mkdtempSync(join(tmpdir(), "fusion-cut-"));
  chmodSync(folder, 0o700);
  url.searchParams.set("host", folder);
  const open = new Set<Socket>();
  let armed: { share: number; onCut: (() => void) | undefined } | undefined;
  let cuts = 0;
  const clients = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let allSilent = false;

  const listener = createServer((client) => {
    clients.add(client);
    const passes = (): boolean => !allSilent && !silent.has(client);
    const server = connect(serverSocket);
    // Set while an answer is held back from the client.
    let held: Buffer[] | undefined;
    let cut: NonNullable<typeof armed>;
    let tail = Buffer.alloc(0);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(from);
      from.on("error", () => undefined);
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
    }
    client.on("data", (chunk) => {
      if (!passes()) return;
      tail = Buffer.concat([tail, chunk]).subarray(-commitEnd.length);
      if (armed && tail.equals(commitEnd)) {
        cut = armed;
        armed = undefined;
        held = [];
      }
      server.write(chunk);
    });
    server.on("data", (chunk) => {
      if (!passes()) return;
      if (!held) {
        client.write(chunk);
        return;
      }
      held.push(chunk);
      const answer = Buffer.concat(held);
      if (!answer.subarray(-idleEnd.length).equals(idleEnd)) return;
      cuts += 1;
      cut.onCut?.();
      client.write(answer.subarray(0, Math.floor(cut.share * (answer.length - 1))));
      client.destroySoon();
      server.destroy();
    });
  });
  await new Promise<void>((resolve) => listener.listen(join(folder, socketName), resolve));

  return {
    connectionString: url.toString(),
    cutNextCommit(share, onCut) {
      armed = { share, onCut };
    },
    cuts: () => cuts,
    fallSilent(which) {
      if (which === "all") allSilent = true;
      for (const client of clients) silent.add(client);
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
