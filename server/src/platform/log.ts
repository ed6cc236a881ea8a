import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

/**
 * Lines are written together, at the latest after this many milliseconds: written one by one they take a tenth of the time that a short
 * request takes. A fatal line and the end of the process write what waits.
 */
const collected = { minLength: 8_192, periodicFlush: 50 };

/**
 * The process's log, one JSON line each on standard error, so that standard output stays for people. Paths listed under `redact`
 * are the last defence only: callers do not pass secrets in the first place.
 */
export function createLog(
  level: string,
  lines: DestinationStream = pino.destination({ dest: 2, sync: false, ...collected }),
): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
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
