import { connect, type Socket } from "node:net";
import { now } from "./now.ts";

/** The outcome of a request. */
export interface Answer {
  readonly sentAt: number;
  readonly endedAt: number;
  /** The status, with the code of a refusal behind it, or `lost`. */
  readonly outcome: string;
  readonly body: string;
}

/** A keep-alive connection to one node, for one request at a time. It reconnects after it was broken. */
export interface HttpConnection {
  /**
   * `request` is the whole text of an HTTP/1.1 request. If no answer comes in time, the request is given up, and the connection with it.
   */
  send(request: string, patienceMs: number): Promise<Answer>;
  close(): void;
}

/** Written to cost little, since the harness shares two cores with three nodes and a database. */
export function openConnection(port: number): HttpConnection {
  let socket: Socket | undefined;
  let received = "";
  let settle: ((outcome: string, body: string) => void) | undefined;

  const drop = (): void => {
    const broken = socket;
    socket = undefined;
    received = "";
    broken?.destroy();
    settle?.("lost", "");
  };
  const open = (): Socket => {
    const opened = connect({ host: "127.0.0.1", port, noDelay: true });
    opened.on("error", () => undefined);
    opened.on("close", () => {
      if (opened === socket) drop();
    });
    opened.on("data", (chunk) => {
      if (opened !== socket) return;
      received += chunk.toString("latin1");
      const answer = parseAnswer(received);
      if (!answer) return;
      received = "";
      if (answer.closes) socket = undefined;
      settle?.(answer.outcome, answer.body);
    });
    return opened;
  };

  return {
    send(request, patienceMs) {
      if (settle) throw new Error("The connection is busy.");
      return new Promise((resolve) => {
        socket ??= open();
        const timer = setTimeout(drop, patienceMs);
        const sentAt = now();
        settle = (outcome, body) => {
          settle = undefined;
          clearTimeout(timer);
          resolve({ sentAt, endedAt: now(), outcome, body });
        };
        socket.write(request);
      });
    },
    close() {
      drop();
    },
  };
}

interface ParsedAnswer {
  readonly outcome: string;
  readonly body: string;
  readonly closes: boolean;
}

/** The answer, once it is complete. Every answer of the product's APIs states its length. */
function parseAnswer(received: string): ParsedAnswer | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = received.slice(0, headEnd);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (received.length < headEnd + 4 + length) return undefined;
  const body = received.slice(headEnd + 4, headEnd + 4 + length);
  const status = head.slice(9, 12);
  return {
    outcome: status === "200" ? status : `${status} ${codeOf(head, body)}`.trimEnd(),
    body,
    closes: /\r\nconnection: *close/i.test(head),
  };
}

/** The code of a refusal: from the body, or, if there is none, from the gateway check's header. */
function codeOf(head: string, body: string): string {
  return (
    /"code":"(\w+)"/.exec(body)?.[1] ?? /\r\nx-fusion-(?:reason|refusal|code): *(\w+)/i.exec(head)?.[1] ?? ""
  );
}
