import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { PlainConnections } from "./plain-connections.ts";

/** The connections of a server over its whole life. */
export interface Connections {
  /** Serves a connection that another process has accepted. */
  take(socket: Socket): void;
  /**
   * Ends the server without failing a request. It accepts no new connections. Every answer from here on says `Connection: close` (RFC 9112
   * section 9.6), so that busy connections end by themselves. Connections that stay silent for `lingerMs` are closed, when a request on
   * them is least likely to be on its way. Requests that still run after `deadlineMs` more are cut off.
   */
  drain(options: { readonly lingerMs: number; readonly deadlineMs: number }): Promise<void>;
}

/** Call before the server listens; `plain` are those of its connections that Node does not serve, if any. */
export function trackConnections(server: Server, plain?: PlainConnections): Connections {
  const open = new Set<Socket>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  let watches = false;
  return {
    take(socket) {
      // Node watches for requests that arrive too slowly (server.ts) from this event on, but a server that is handed its connections never
      // listens itself.
      if (!watches) server.emit("listening");
      watches = true;
      // As a listening server of Node's sets up its own connections: a caller may end its side after sending its request.
      socket.allowHalfOpen = true;
      socket.setNoDelay(true);
      server.emit("connection", socket);
    },
    async drain({ lingerMs, deadlineMs }) {
      server.prependListener("request", (_request: IncomingMessage, response: ServerResponse) => {
        response.setHeader("connection", "close");
      });
      plain?.drain();
      // The method of the underlying net server, since the HTTP server's closes idle connections at once, even between two requests of a
      // busy caller.
      if (server.listening) NetServer.prototype.close.call(server);
      await untilEmpty(open, lingerMs);
      const deadline = performance.now() + deadlineMs;
      do {
        server.closeIdleConnections();
        plain?.closeIdle();
        // Node does not count a connection as idle if nothing was ever asked on it, such as those that browsers open in advance.
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
 * Closes a connection whose caller reads nothing of an answer for `stalledMs` (up to twice that, where the network took a first part):
 * otherwise the rest of the answer would be held as long as the caller likes. A request that is still being processed is left alone. Call
 * before the server listens.
 */
export function closeStalled(server: Server, stalledMs: number): void {
  // Node reports connections on which nothing was read and nothing written for this long; a write that makes progress counts.
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
