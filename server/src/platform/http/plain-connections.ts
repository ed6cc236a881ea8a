import { type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type CommonHeaders, headerLines } from "./answer-headers.ts";
import type { Caller } from "./direct-calls.ts";
import { type PlainRequest, readPlainRequest } from "./plain-request.ts";

/** Connections that have sent only plain requests so far, served without Node's request, response and parser. */
export interface PlainConnections {
  /** From here on each connection ends with its next answer, and new ones go to Node. */
  drain(): void;
  /** Closes connections on which no answer is pending. */
  closeIdle(): void;
}

export interface PlainConnectionsOptions {
  /** Answers the request, now or later and once; returns false if it must not be answered this way. */
  readonly answer: (request: PlainRequest, caller: Caller) => boolean;
  /** How long a new connection may be silent. */
  readonly firstRequestMs: number;
  /** How long a connection may be silent between two requests; callers are told. */
  readonly keepAliveMs: number;
}

/** Added to what callers are told, so that a request sent at the last moment is not lost. Node's own servers wait as long. */
const keepAliveGraceMs = 1_000;

/**
 * Serves plain requests (`plain-request.ts`) of a server's connections right from the socket. At the first chunk that is anything else, or
 * that `answer` does not take, the connection goes to Node's own server for good, as though nothing had happened before. So the rules of
 * HTTP (bodies, pipelining, slow headers, upgrades, malformed requests) stay Node's. Call when the server is made.
 */
export function servePlainRequests(server: Server, options: PlainConnectionsOptions): PlainConnections {
  const byNode = server.listeners("connection")[0] as (this: Server, socket: Socket) => void;
  server.off("connection", byNode);
  const open = new Set<PlainConnection>();
  const state: State = {
    ...options,
    draining: false,
    keepAliveLines: `Connection: keep-alive\r\nKeep-Alive: timeout=${options.keepAliveMs / 1_000}\r\n\r\n`,
    ended: (connection) => open.delete(connection),
    giveToNode: (socket) => byNode.call(server, socket),
  };
  server.on("connection", (socket: Socket) => {
    if (state.draining) state.giveToNode(socket);
    else open.add(new PlainConnection(socket, state));
  });
  return {
    drain() {
      state.draining = true;
    },
    closeIdle() {
      for (const connection of open) connection.closeIfIdle();
    },
  };
}

/** What a server's plain connections share. */
interface State extends PlainConnectionsOptions {
  draining: boolean;
  readonly keepAliveLines: string;
  readonly ended: (connection: PlainConnection) => void;
  readonly giveToNode: (socket: Socket) => void;
}

class PlainConnection implements Caller {
  readonly #socket: Socket;
  readonly #state: State;
  #answering = false;
  #hasAnswered = false;
  #callerHasEnded = false;
  #finishing = false;

  constructor(socket: Socket, state: State) {
    this.#socket = socket;
    this.#state = state;
    socket.setTimeout(state.firstRequestMs);
    socket.on("timeout", this.#timedOut);
    // An error closes the connection, and nobody is left to be told.
    socket.on("error", ignore);
    socket.on("close", this.#closed);
    socket.on("end", this.#callerEnded);
    socket.on("data", this.#received);
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  readonly #received = (chunk: Buffer): void => {
    const request = readPlainRequest(chunk);
    this.#answering = true;
    if (!request || !this.#state.answer(request, this)) {
      this.#leaveToNode(chunk);
      return;
    }
    // Anything that arrives meanwhile waits in the socket.
    if (this.#answering) this.#socket.pause();
  };

  #leaveToNode(chunk: Buffer): void {
    const socket = this.#socket;
    this.#state.ended(this);
    socket.setTimeout(0);
    socket.off("timeout", this.#timedOut);
    socket.off("error", ignore);
    socket.off("close", this.#closed);
    socket.off("end", this.#callerEnded);
    socket.off("data", this.#received);
    this.#state.giveToNode(socket);
    socket.unshift(chunk);
  }

  send(status: number, common: CommonHeaders, own: readonly string[], body: string): void {
    const { draining, keepAliveLines, keepAliveMs } = this.#state;
    const socket = this.#socket;
    const isLast = draining || this.#callerHasEnded;
    const headers = common.lines + headerLines(own);
    const end = isLast ? "Connection: close\r\n\r\n" : keepAliveLines;
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}Date: ${httpDate()}\r\n${end}`;
    const wasPaused = socket.isPaused();
    const taken = body === "" ? socket.write(head, "latin1") : socket.write(head + body);
    this.#answering = false;
    if (isLast) {
      this.#finish();
      return;
    }
    if (!this.#hasAnswered) socket.setTimeout(keepAliveMs + keepAliveGraceMs);
    this.#hasAnswered = true;
    // Nothing more is read from a caller that does not read the answers.
    if (!taken) socket.pause().once("drain", () => socket.resume());
    else if (wasPaused) socket.resume();
  }

  breakOff(): void {
    this.#socket.destroy();
  }

  closeIfIdle(): void {
    if (!this.#answering) this.#finish();
  }

  /**
   * Ends the connection once the answers are sent. What still arrives is read and dropped: it could no longer be answered, so it is not
   * done.
   */
  #finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#socket.off("data", this.#received).resume();
    this.#socket.destroySoon();
  }

  /** The caller may end its side after sending its request. */
  readonly #callerEnded = (): void => {
    this.#callerHasEnded = true;
    this.closeIfIdle();
  };
  /** Also closes a connection whose caller reads no answers: they would wait for ever. */
  readonly #timedOut = (): void => {
    if (!this.#answering) this.#socket.destroy();
  };
  readonly #closed = (): void => this.#state.ended(this);
}

function ignore(): void {}

let dateSecond = 0;
let dateText = "";

function httpDate(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1_000).toUTCString();
  }
  return dateText;
}
