import { connect, createServer, type Server, type Socket } from "node:net";

/** The network between one node and the database: a proxy that can be cut in the ways in which networks break. */
export interface DatabaseLink {
  /** The port that the node connects to. */
  readonly port: number;
  /** Nothing passes either way and nobody is told, as when a cable is pulled. What is sent meanwhile arrives once it is healed. */
  blackHole(): void;
  /** Breaks every connection, and every new one too. */
  refuse(): void;
  /** Delays everything that the database sends to the node by this long. */
  delay(milliseconds: number): void;
  /** Lets everything pass again; with `breaking`, over fresh connections, since the existing ones were given up meanwhile. */
  heal(breaking?: boolean): void;
  /** How many connections listen for notifications. */
  listeners(): number;
  /** Breaks the connections that listen. */
  cutListeners(): void;
  /** The connections that listen receive nothing more, and nobody is told, until {@link heal}. */
  muteListeners(): void;
  close(): Promise<void>;
}

type Mode = "open" | "black hole" | "refuse";

interface Pair {
  readonly node: Socket;
  readonly database: Socket;
  listens: boolean;
}

// The job queue listens too. This matches only the connections by which nodes hear of each other's revokes.
const listenPattern = /\bLISTEN\s+"?(?!jobs:)/i;

export async function openDatabaseLink(databasePort: number): Promise<DatabaseLink> {
  const pairs = new Set<Pair>();
  let mode: Mode = "open";
  let delayMs = 0;

  const server: Server = createServer({ noDelay: true }, (node) => {
    if (mode === "refuse") {
      node.on("error", () => undefined);
      node.resetAndDestroy();
      return;
    }
    const database = connect({ host: "127.0.0.1", port: databasePort, noDelay: true });
    const pair: Pair = { node, database, listens: false };
    pairs.add(pair);
    for (const [from, to] of [
      [node, database],
      [database, node],
    ] as const) {
      from.on("error", () => undefined);
      from.on("close", () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
    node.on("data", (chunk) => {
      if (!pair.listens && listenPattern.test(chunk.toString("latin1"))) pair.listens = true;
      database.write(chunk);
    });
    // Chunks under way to the node, in order: a later one never arrives before an earlier one, however the delay changes.
    const underWay: { readonly arrivesAt: number; readonly chunk: Buffer }[] = [];
    const deliver = (): void => {
      while (underWay[0] && underWay[0].arrivesAt <= performance.now()) {
        const { chunk } = underWay.shift() as (typeof underWay)[number];
        if (node.writable) node.write(chunk);
      }
      if (underWay[0]) setTimeout(deliver, Math.max(0, underWay[0].arrivesAt - performance.now()) + 1);
    };
    database.on("data", (chunk) => {
      if (delayMs === 0 && underWay.length === 0) {
        node.write(chunk);
        return;
      }
      underWay.push({ arrivesAt: performance.now() + delayMs, chunk });
      if (underWay.length === 1) setTimeout(deliver, delayMs);
    });
    if (mode === "black hole") pause(pair);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");
  const listeners = (): Pair[] => [...pairs].filter(({ listens }) => listens);

  return {
    port: address.port,
    blackHole() {
      mode = "black hole";
      for (const pair of pairs) pause(pair);
    },
    refuse() {
      mode = "refuse";
      for (const pair of pairs) reset(pair);
    },
    delay(milliseconds) {
      delayMs = milliseconds;
    },
    heal(breaking = false) {
      mode = "open";
      delayMs = 0;
      for (const pair of pairs)
        if (breaking) reset(pair);
        else for (const socket of [pair.node, pair.database]) socket.resume();
    },
    listeners: () => listeners().length,
    cutListeners() {
      for (const pair of listeners()) reset(pair);
    },
    muteListeners() {
      for (const pair of listeners()) pause(pair);
    },
    async close() {
      for (const pair of pairs) reset(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pause({ node, database }: Pair): void {
  node.pause();
  database.pause();
}

function reset({ node, database }: Pair): void {
  // A socket that is still connecting cannot be reset.
  for (const socket of [node, database])
    if (socket.connecting) socket.destroy();
    else socket.resetAndDestroy();
}
