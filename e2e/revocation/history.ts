import { closeSync, createWriteStream, openSync, readSync } from "node:fs";

// What a run leaves behind: who called whom when, and what the answer was. All times are milliseconds of one process's monotonic clock
// (`performance.now()` of the process that holds all clients), so they can be compared with each other.

/** A read of the Fusion API, a check at the gateway's door, a transfer. */
export type CallKind = "read" | "check" | "transfer";

export interface Call {
  readonly kind: CallKind;
  readonly node: number;
  /** Which token, by its number in the run. */
  readonly token: number;
  /** Taken before the first byte was handed to the kernel. */
  readonly sentAt: number;
  /** Taken after the whole answer was read, or when it was clear that none would come. */
  readonly endedAt: number;
  /** The status, with the code of a refusal behind it (`200`, `401 token_revoked`), or `lost` when no answer came. */
  readonly outcome: string;
  /** Transfers only: the number that its request id ends in. */
  readonly request?: number;
}

export interface RevokeAttempt {
  readonly path: RevokePath;
  readonly node: number;
  readonly sentAt: number;
  readonly endedAt: number;
  /** As in {@link Call}. */
  readonly outcome: string;
}

/** How a token was revoked: by a person in the console, or by whoever holds it (RFC 7009). */
export type RevokePath = "console" | "oauth";

export interface Revocation {
  readonly token: number;
  /** In order; only the last can have been answered 200. */
  readonly attempts: readonly RevokeAttempt[];
}

/** Anything done to the system under test, from the moment it begins until the harness has undone it. */
export interface Fault {
  readonly kind: string;
  /** Null for the database, which all nodes share. */
  readonly node: number | null;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** A part of the run with a purpose of its own, in which only what its name says is done. */
export interface Phase {
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Appends calls to a file, one JSON array a line. */
export interface HistoryWriter {
  add(call: Call): void;
  /** Resolves when everything is in the file. */
  close(): Promise<void>;
}

const flushAt = 1 << 18;

export function writeHistory(file: string): HistoryWriter {
  const stream = createWriteStream(file);
  const failed = new Promise<never>((_resolve, reject) => stream.once("error", reject));
  failed.catch(() => undefined); // Told by close().
  let text = "";
  return {
    add({ kind, node, token, sentAt, endedAt, outcome, request }) {
      text += `["${kind}",${node},${token},${sentAt.toFixed(3)},${endedAt.toFixed(3)},"${outcome}"${request === undefined ? "" : `,${request}`}]\n`;
      if (text.length < flushAt) return;
      stream.write(text);
      text = "";
    },
    async close() {
      const finished = new Promise<void>((resolve) => stream.end(text, resolve));
      text = "";
      await Promise.race([finished, failed]);
    },
  };
}

/** The calls of a file that {@link writeHistory} wrote, one after the other, since a release's history does not fit into memory. */
export function* readHistory(file: string): Generator<Call> {
  const descriptor = openSync(file, "r");
  try {
    const chunk = Buffer.alloc(1 << 20);
    let rest = "";
    for (let length = readSync(descriptor, chunk); length > 0; length = readSync(descriptor, chunk)) {
      const lines = (rest + chunk.toString("latin1", 0, length)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield parseCall(line);
    }
  } finally {
    closeSync(descriptor);
  }
}

function parseCall(line: string): Call {
  const [kind, node, token, sentAt, endedAt, outcome, request] = JSON.parse(line) as [
    CallKind,
    number,
    number,
    number,
    number,
    string,
    number?,
  ];
  const call = { kind, node, token, sentAt, endedAt, outcome };
  return request === undefined ? call : { ...call, request };
}
