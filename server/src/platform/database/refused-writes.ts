import type { Log } from "../log.ts";
import { createOutage } from "../outage.ts";
import { type Condition, conditionOf, isCondition } from "./sql-state.ts";

/** Why a server that answers refuses to write. Too many connections is none of these: for a new connection the server is away. */
const reasons: Partial<Readonly<Record<Condition, string>>> = {
  read_only_sql_transaction: "the database is a standby or read-only",
  disk_full: "the database's disk is full",
  out_of_memory: "the database has no memory left",
};

/** Why a server that answers refused to write; undefined for any other error. */
export function refusalOf(error: unknown): string | undefined {
  const condition = conditionOf(error);
  return condition && reasons[condition];
}

/** A standby, a server or an account whose transactions are read-only, or a transaction that was begun read-only. */
export function isReadOnly(error: unknown): boolean {
  return isCondition(error, "read_only_sql_transaction");
}

/** Tells the log of refused writes: once when they begin, and once when they are over. */
export interface RefusedWrites {
  /** Whether this error is a refused write. The log is told of it then, and it says nothing of the connection. */
  failed(error: unknown): boolean;
  /** A transaction was committed. */
  worked(): void;
  /** Why writes were refused lately; undefined if none were. */
  reason(): string | undefined;
}

/**
 * Reads do not end such an outage, since they go on meanwhile, and neither does any one commit: some transactions have nothing to write, or
 * find room where others do not. The outage is over with the first commit after `quietMs` without a refused write.
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
