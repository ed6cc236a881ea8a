import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { PlainConnections } from "./plain-connections.ts";

/** The connections of a server, from the first to the last. */
export interface Connections {
  /** Serves a connection that another process has accepted. */
  take(socket: Socket): void;
  /**
   * Ends the server without failing a request. No new connections; whatever is answered from here on says `Connection: close` (RFC 9112
   * section 9.6), so that busy connections end by themselves; those that stay silent for `lingerMs` are closed, when a request on them
   * is least likely to be on its way; requests that still run after `deadlineMs` more are cut off.
   */
  drain(options: { readonly lingerMs: number; readonly deadlineMs: number }): Promise<void>;
}

/** To be called before the server listens; with those of its connections that are not Node's, if it has any. */
export function trackConnections(server: Server, plain?: PlainConnections): Connections {
  const open = new Set<Socket>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  let watches = false;
  return {
    take(socket) {
      // Node watches for requests that arrive too slowly (server.ts) from this event on, and a server that is handed its connections never
      // listens itself.
      if (!watches) server.emit("listening");
      watches = true;
      // What a listening server of Node's does to its own: a caller may end its side once it has asked.
      socket.allowHalfOpen = true;
      socket.setNoDelay(true);
      server.emit("connection", socket);
    },
    async drain({ lingerMs, deadlineMs }) {
      server.prependListener("request", (_request: IncomingMessage, response: ServerResponse) => {
        response.setHeader("connection", "close");
      });
      plain?.drain();
      // Of the underlying server, since that of HTTP closes idle connections at once: between two requests of a busy caller, too.
      if (server.listening) NetServer.prototype.close.call(server);
      await untilEmpty(open, lingerMs);
      const deadline = performance.now() + deadlineMs;
      do {
        server.closeIdleConnections();
        plain?.closeIdle();
        // Node does not count one as idle on which nothing was ever asked, such as browsers open in advance.
        for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
      } while (
        !(await untilEmpty(open, Math.min(50, deadline - performance.now()))) &&
        performance.now() < deadline
      );
      server.closeAllConnections();
      for (const socket of open) socket.destroy();
    },
  };
}

/**
 * Closes a connection whose caller takes nothing of an answer for `stalledMs` (up to twice that, where the network took a first part): what
 * is left of it would be held for as long as he likes. A request that is still worked on is left alone. To be called before the server listens.
 */
export function closeStalled(server: Server, stalledMs: number): void {
  // Node tells of connections on which nothing was read and nothing written for so long; a write that gets on counts.
  server.timeout = stalledMs;
  server.on("request", (_request: IncomingMessage, response: ServerResponse) => {
    response.on("timeout", destroyUnread);
  });
}

function destroyUnread(socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy();
}

async function untilEmpty(open: ReadonlySet<Socket>, withinMs: number): Promise<boolean> {
  for (const until = performance.now() + withinMs; open.size > 0 && performance.now() < until; )
    await sleep(5);
  return open.size === 0;
}
