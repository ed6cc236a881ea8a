import type { Log } from "../log.ts";
import { createOutage } from "../outage.ts";

/** What a server says that answers and writes nothing, by SQLSTATE. A connection too many (53300) is none of these: it is not there for who wants one. */
const reasons: Readonly<Record<string, string>> = {
  "25006": "the database is a standby or read-only",
  "53100": "the database's disk is full",
  "53200": "the database has no memory left",
};

/** Why a server that is there refused to write; undefined for any other error. */
export function refusalOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? reasons[code] : undefined;
}

/** SQLSTATE 25006: a standby, a server or an account whose transactions are read-only, or a transaction that was begun so. */
export function isReadOnly(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "25006";
}

/** Refused writes, as the log sees them. */
export interface RefusedWrites {
  /** Whether the log is told of this error, which is none of the connection then. */
  failed(error: unknown): boolean;
  /** Something was committed. */
  worked(): void;
  /** Why writes are refused at present, as far as some were lately. */
  reason(): string | undefined;
}

/**
 * Reads go on meanwhile and so end no such outage, nor does the first commit: some have nothing to write, or find room where others do not. It is over
 * with the first one after `quietMs` in which no write was refused.
 */
export function watchRefusedWrites(
  log: Log,
  { quietMs = 15_000 }: { readonly quietMs?: number } = {},
): RefusedWrites {
  const outages = new Map(
    Object.values(reasons).map((reason) => [
      reason,
      createOutage(log, { part: "database", gone: reason, back: "the database takes writes again" }),
    ]),
  );
  let last: { readonly reason: string; readonly at: number } | undefined;
  const isLate = (): boolean => last === undefined || performance.now() - last.at >= quietMs;
  return {
    failed(error) {
      const reason = refusalOf(error);
      if (reason === undefined) return false;
      last = { reason, at: performance.now() };
      outages.get(reason)?.failed(error);
      return true;
    },
    worked() {
      if (!isLate()) return;
      last = undefined;
      for (const outage of outages.values()) outage.worked();
    },
    reason: () => (isLate() ? undefined : last?.reason),
  };
}
