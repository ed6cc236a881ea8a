import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands where haproxy does: one TCP address that leads to whichever PostgreSQL is the primary. */
export interface SwitchingProxy {
  readonly port: number;
  /** New connections lead to this Unix socket, or nowhere; the present ones are cut. */
  switchTo(socketPath: string | undefined): void;
  close(): Promise<void>;
}

export async function startSwitchingProxy(): Promise<SwitchingProxy> {
  const open = new Set<Socket>();
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
        to.destroy();
      });
      from.pipe(to);
    }
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    switchTo(socketPath) {
      target = socketPath;
      cut();
    },
    async close() {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
