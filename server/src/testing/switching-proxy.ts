import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Takes the place of haproxy: one TCP address that leads to the current primary. */
export interface SwitchingProxy {
  readonly port: number;
  /** New connections lead to this Unix socket, or nowhere; present ones are cut, except those that fell silent. */
  switchTo(socketPath: string | undefined): void;
  /** Nothing passes any more on the present connections, and the clients are not told, whatever happens to the server. */
  fallSilent(): void;
  close(): Promise<void>;
}

export async function startSwitchingProxy(): Promise<SwitchingProxy> {
  const open = new Set<Socket>();
  const clients = new Set<Socket>();
  /** Clients that are not told any more. */
  const silent = new Set<Socket>();
  let target: string | undefined;
  const listener = createServer((client) => {
    if (target === undefined) {
      client.destroy();
      return;
    }
    const server = connect(target);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(from);
      from.setNoDelay(true);
      from.on("error", () => undefined);
      from.on("close", () => {
        open.delete(from);
        silent.delete(from);
        if (!silent.has(to)) to.destroy();
      });
      from.on("data", (chunk) => {
        if (!silent.has(client)) to.write(chunk);
      });
    }
    clients.add(client);
    client.on("close", () => clients.delete(client));
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    switchTo(socketPath) {
      target = socketPath;
      for (const socket of open) if (!silent.has(socket)) socket.destroy();
    },
    fallSilent() {
      for (const client of clients) silent.add(client);
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
