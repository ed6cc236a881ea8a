import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { AnsweredRequest } from "./direct-calls.ts";
import { describeFailure, problemBody, problemType } from "./problem.ts";
import type { ErrorEnvelope } from "./server.ts";

/** Answers input that cannot be read as HTTP, and so reaches no route. */
export interface Unreadable {
  /** Call when the server is made. */
  watch(server: Server): void;
  /**
   * Answers by hand and ends the connection. Never replaces another answer: earlier requests on the connection are answered first (RFC 9112
   * section 9.3.2), and a request whose answer has begun before it was read completely gets no other.
   */
  answer(error: Error & { readonly code?: string }, socket: Socket): void;
}

export function createUnreadable({
  newRequestId,
  envelopes,
  tellAnswered,
}: {
  readonly newRequestId: () => string;
  readonly tellAnswered: (answered: AnsweredRequest) => void;
  readonly envelopes: readonly ErrorEnvelope[];
}): Unreadable {
  const latest = new WeakMap<
    Socket,
    { readonly request: IncomingMessage; readonly response: ServerResponse }
  >();
  /** Node reports the error again each time that more arrives on them. */
  const known = new WeakSet<Socket>();

  const send = (error: Error & { readonly code?: string }, socket: Socket): void => {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ""] ?? 400;
    const requestId = newRequestId();
    const failure = describeFailure({ statusCode: status });
    // The API in question is unknown, so the answer is a problem and every API's own envelope in one.
    const own = envelopes.map((envelope) => envelope.body(failure, requestId));
    const body = JSON.stringify(Object.assign(problemBody(failure, requestId), ...own));
    socket.end(
      [
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
        `content-type: ${problemType}`,
        `content-length: ${Buffer.byteLength(body)}`,
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        `x-request-id: ${requestId}`,
        "connection: close",
        "",
        body,
      ].join("\r\n"),
    );
    tellAnswered({ requestId, method: "(unread)", route: null, status, ms: 0 });
  };

  return {
    watch(server) {
      server.on("request", (request: IncomingMessage, response: ServerResponse) => {
        latest.set(request.socket, { request, response });
      });
    },
    answer(error, socket) {
      if (known.has(socket)) return;
      known.add(socket);
      const { request, response } = latest.get(socket) ?? {};
      if (request?.complete && !response?.writableFinished)
        // Answers are given in order: this is the last one that is still pending.
        response?.once("close", () => send(error, socket));
      // The body of this request is what cannot be read.
      else if (request && !request.complete && (response?.headersSent || response?.socket !== socket))
        socket.destroySoon();
      else send(error, socket);
    },
  };
}
