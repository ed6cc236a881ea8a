import { write, writeSync } from "node:fs";
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

/** Lines are written together: this many characters at a time, and after this many milliseconds at the latest. */
const collectedMax = 65_536;
const collectedForMs = 50;
/** Lines beyond this many waiting characters are lost; that many wait only if the reader of the log is slow. */
const waitingMax = 16_777_216;

/**
 * The process's log, one JSON line each on standard error, so that standard output stays for people. The paths under `redact` are only the
 * last defence: callers do not pass secrets in the first place.
 */
export function createLog(level: string, lines: DestinationStream = linesTo()): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: isoTime,
      serializers: { err: describeError },
      redact: {
        paths: [
          "req.headers.authorization",
          "req.headers.cookie",
          'req.headers["x-zeta-authtoken"]',
          "*.password",
          "*.currentPassword",
          "*.newPassword",
          "*.secret",
          "*.code",
          "*.token",
        ],
        censor: "[redacted]",
      },
    },
    lines,
  );
}

/**
 * Writes lines to an open file, standard error unless another is given, outside the request path: written one by one they take a tenth of
 * the time of a short request. (pino's own destination scans everything collected whenever a line comes, which takes five times as long,
 * and when the disk is full it crashes the program, or waits for ever.) A write that fails or is slow does not hold the program up: what
 * cannot be written is lost, and it goes on with the next lines. A fatal line and the end of the process write what waits, as far as the
 * file accepts it at once.
 */
export function linesTo(file = 2): DestinationStream & { flushSync(): void } {
  let collected = "";
  let rest: Buffer | undefined;
  let writing = false;
  const take = (): Buffer => {
    const taken = rest ?? Buffer.from(collected);
    if (!rest) collected = "";
    rest = undefined;
    return taken;
  };
  const pass = (): void => {
    if (writing || !(rest || collected)) return;
    writing = true;
    const taken = take();
    write(file, taken, (error, written) => {
      writing = false;
      const left = taken.subarray(error ? 0 : written);
      if (left.length > 0 && !(error && isLost(error))) rest = left;
      if (!error && (rest || collected.length >= collectedMax)) pass();
    });
  };
  const flushSync = (): void => {
    while (rest || collected) {
      const taken = take();
      try {
        const left = taken.subarray(writeSync(file, taken));
        if (left.length > 0) rest = left;
      } catch (error) {
        if (isLost(error)) continue;
        rest = taken;
        return;
      }
    }
  };
  setInterval(pass, collectedForMs).unref();
  process.once("exit", flushSync);
  return {
    write(line) {
      if (collected.length >= waitingMax) return;
      collected += line;
      if (collected.length >= collectedMax) pass();
    },
    flushSync,
  };
}

/** A pipe with a slow reader accepts the same later; any other failure, such as a full disk, is final. */
function isLost(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code !== "EAGAIN";
}

/**
 * Writes lines of `level` info whose members the caller has composed as JSON (`"a":1,"b":2`), as `log.info` would. pino checks the type of
 * every member of every line, which took a tenth of a short request.
 */
export function lineWriter(log: Log): (members: string) => void {
  const lines = (log as unknown as Record<symbol, DestinationStream>)[
    pino.symbols.streamSym
  ] as DestinationStream;
  return (members) => {
    if (log.isLevelEnabled("info"))
      lines.write(`{"level":${pino.levels.values.info}${isoTime()},${members}}\n`);
  };
}

let timeOf = 0;
let time = "";

/** Like pino's own, but formatted once a millisecond: a busy process has dozens of lines in each. */
function isoTime(): string {
  const now = Date.now();
  if (now !== timeOf) {
    timeOf = now;
    time = `,"time":"${new Date(now).toISOString()}"`;
  }
  return time;
}

/**
 * What the log contains of an error. Named members only: a database error's `detail` quotes the row, and with it people's data. Its code
 * gets another name, since `code` is redacted.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, constraint, table, fields, cause } = error as Error & Record<string, unknown>;
  return {
    type: error.name,
    message: error.message,
    errorCode: code,
    constraint,
    table,
    fields,
    stack: error.stack,
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}

/** For tests that do not read the log. */
export function silentLog(): Log {
  return pino({ level: "silent" });
}
