import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

/** Lines are written together, so many characters at a time, at the latest after this many milliseconds. */
const collectedMax = 65_536;
const collectedForMs = 50;

/**
 * The process's log, one JSON line each on standard error, so that standard output stays for people. Paths listed under `redact`
 * are the last defence only: callers do not pass secrets in the first place.
 */
export function createLog(level: string, lines: DestinationStream = standardError()): Log {
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
 * Standard error, off the path: written one by one lines take a tenth of the time that a short request takes. (SonicBoom can collect them
 * itself, but looks at all that it has collected whenever a line comes, which takes five times as long.) A fatal line and the end of the
 * process write what waits.
 */
function standardError(): DestinationStream & { flushSync(): void } {
  const stream = pino.destination({ dest: 2, sync: false });
  let collected = "";
  const pass = (): void => {
    if (collected !== "") stream.write(collected);
    collected = "";
  };
  const flushSync = (): void => {
    pass();
    stream.flushSync();
  };
  setInterval(pass, collectedForMs).unref();
  process.once("exit", flushSync);
  return {
    write(line) {
      collected += line;
      if (collected.length >= collectedMax) pass();
    },
    flushSync,
  };
}

/**
 * Writes lines of `level` info whose members the caller has composed as JSON (`"a":1,"b":2`), as `log.info` would: pino asks of every member
 * of every line what it is, which took a tenth of a short request.
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

/** As pino's own, but written out once a millisecond: a busy process has dozens of lines in each. */
function isoTime(): string {
  const now = Date.now();
  if (now !== timeOf) {
    timeOf = now;
    time = `,"time":"${new Date(now).toISOString()}"`;
  }
  return time;
}

/**
 * What an error tells the log. Named members only: a database error's `detail` quotes the row, and with it people's data. Its code goes
 * under another name, since `code` is redacted.
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
