import { type Logger, pino } from "pino";

export type Log = Logger;

/**
 * The process's log, one JSON line each on standard error, so that standard output stays for people. Paths listed under `redact`
 * are the last defence only: callers do not pass secrets in the first place.
 */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
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
    pino.destination({ dest: 2, sync: false }),
  );
}

/** For tests that do not read the log. */
export function silentLog(): Log {
  return pino({ level: "silent" });
}
