import type { Transaction } from "../../platform/database/database.ts";
import type { Keys } from "../../platform/keys.ts";
import { LoginLocked, RecoveryRequired } from "../errors.ts";
import type { Address } from "../identifier.ts";
import type { LoginLimits } from "../limits.ts";

/** Whom a wrong try counts against, and in which browser; '' stands for all unknown browsers. */
export interface FailureKey {
  readonly subject: string;
  readonly deviceId: string;
}

/**
 * The counters that a try counts against. A known browser has a counter of its own and nothing else. All unknown browsers share the
 * account's counter, and one for the address that was typed. Only the address's counter decides what is said until a code was right: if
 * closing a person's email also visibly closed their phone, a stranger would learn that both exist and belong to one person. No try
 * succeeds once the account's counter is closed.
 */
export interface Counters {
  readonly account: FailureKey;
  readonly address: FailureKey | null;
}

/** The counters of a walk that has not been verified yet, or stands at its password. */
export function countersOf(keys: Keys, walk: FailureKey & { readonly address: Address }): Counters {
  const account = { subject: walk.subject, deviceId: walk.deviceId };
  if (walk.deviceId !== "") return { account, address: null };
  const { channel, address } = walk.address;
  const mac = keys.mac("otp", `failures/${channel}/${address}`).toString("base64url");
  // Under the same subject as the account's counter, so that all are forgotten together.
  return { account, address: { subject: walk.subject, deviceId: `address/${mac}` } };
}

/** For where it may be told whether the account is locked: in a session, and for the second of two codes. */
export function accountAlone({ subject, deviceId }: FailureKey): Counters {
  return { account: { subject, deviceId }, address: null };
}

/** The counter whose state is told before a code was right; no other may show. */
export function visibleCounterOf({ account, address }: Counters): FailureKey {
  return address ?? account;
}

/**
 * Lists one counter of each person whom a hundred wrong tries locked out without a pending request for approval. A password's try is
 * counted before it is compared, and its consequences are recorded afterwards; a process that stopped in between recorded none. Tries of
 * the last minute are left out, as they may still be compared.
 */
export async function listUnrecordedLockouts(
  tx: Transaction,
  now: Date,
  limits: LoginLimits,
): Promise<FailureKey[]> {
  return tx.query<{ subject: string; deviceId: string }>(
    `SELECT DISTINCT ON (f.subject) f.subject, f.device_id AS "deviceId"
     FROM login_failure f JOIN console_user u ON u.user_id = f.subject AND u.disabled_at IS NULL
     WHERE f.failures_in_a_row >= $1 AND f.last_at < $2::timestamptz - interval '1 minute'
       AND NOT EXISTS (SELECT FROM password_reset r WHERE r.user_id = f.subject AND r.approved_at IS NULL)
     ORDER BY f.subject, f.device_id`,
    [limits.failuresInARowMax, now],
  );
}

/** Whether a counter allows another try: yes, not for a while, or not before a new password was approved. */
export type LockState =
  | { readonly kind: "open" }
  | { readonly kind: "locked"; readonly until: Date }
  | { readonly kind: "recovery" };

/** The state of a counter, without counting anything. */
export async function findLockState(
  tx: Transaction,
  { subject, deviceId }: FailureKey,
  now: Date,
  limits: LoginLimits,
): Promise<LockState> {
  const [row] = await tx.query<{ locked_until: Date | null; failures_in_a_row: number }>(
    "SELECT locked_until, failures_in_a_row FROM login_failure WHERE subject = $1 AND device_id = $2",
    [subject, deviceId],
  );
  if (row && row.failures_in_a_row >= limits.failuresInARowMax) return { kind: "recovery" };
  if (row?.locked_until && row.locked_until > now) return { kind: "locked", until: row.locked_until };
  return { kind: "open" };
}

/** The error for a counter in this state; undefined for an open one. */
export function refusalOf(state: LockState, now: Date): RecoveryRequired | LoginLocked | undefined {
  switch (state.kind) {
    case "open":
      return undefined;
    case "recovery":
      return new RecoveryRequired();
    case "locked":
      return new LoginLocked(Math.max(1, Math.ceil((state.until.getTime() - now.getTime()) / 1000)));
    default:
      return state satisfies never;
  }
}

/** Throws the error for a counter in this state; does nothing when it is open. */
export function requireOpen(state: LockState, now: Date): void {
  const refusal = refusalOf(state, now);
  if (refusal) throw refusal;
}

/**
 * A try that was counted; or one that was not, because the visible counter was closed: then `state` says how. `ifWrong` is the state of the
 * visible counter if the try is wrong, and `accountIfWrong` that of the account's. `accountOpen` is false when the account's counter was
 * closed already: then not even the right code succeeds.
 */
export type CountedTry =
  | {
      readonly counted: true;
      readonly ifWrong: LockState;
      readonly accountIfWrong: LockState;
      readonly accountOpen: boolean;
    }
  | { readonly counted: false; readonly state: LockState };

/**
 * Counts a try as wrong before it is compared, each counter in one statement, so that parallel tries can never compare more often than
 * allowed. Everywhere the address's counter is taken before the account's. {@link uncountTry} undoes it for a try that was right.
 */
export async function countTry(
  tx: Transaction,
  counters: Counters,
  now: Date,
  limits: LoginLimits,
): Promise<CountedTry> {
  const visible = visibleCounterOf(counters);
  const ifWrong = await count(tx, visible, now, limits);
  if (!ifWrong) return { counted: false, state: await findLockState(tx, visible, now, limits) };
  if (!counters.address) return { counted: true, ifWrong, accountIfWrong: ifWrong, accountOpen: true };
  const accountIfWrong = await count(tx, counters.account, now, limits);
  return {
    counted: true,
    ifWrong,
    accountIfWrong: accountIfWrong ?? { kind: "open" },
    accountOpen: accountIfWrong !== undefined,
  };
}

/** Undefined when the counter is closed already. */
async function count(
  tx: Transaction,
  key: FailureKey,
  now: Date,
  limits: LoginLimits,
): Promise<LockState | undefined> {
  const [row] = await tx.query<{ locked_until: Date | null; failures_in_a_row: number }>(
    `INSERT INTO login_failure AS f (subject, device_id, failures, failures_in_a_row, last_at)
     VALUES ($1, $2, 1, 1, $3)
     ON CONFLICT (subject, device_id) DO UPDATE SET
       failures = CASE WHEN f.locked_until IS NULL THEN f.failures + 1 ELSE 1 END,
       locked_until = CASE WHEN f.locked_until IS NULL AND f.failures + 1 >= $4 THEN $5::timestamptz END,
       failures_in_a_row = f.failures_in_a_row + 1,
       last_at = $3
     WHERE (f.locked_until IS NULL OR f.locked_until <= $3) AND f.failures_in_a_row < $6
     RETURNING locked_until, failures_in_a_row`,
    [
      key.subject,
      key.deviceId,
      now,
      limits.failuresMax,
      new Date(now.getTime() + limits.lockMs),
      limits.failuresInARowMax,
    ],
  );
  if (!row) return undefined;
  if (row.failures_in_a_row >= limits.failuresInARowMax) return { kind: "recovery" };
  if (row.locked_until) return { kind: "locked", until: row.locked_until };
  return { kind: "open" };
}

/** The state that keeps the person out for longer. */
export function stricterOf(one: LockState, other: LockState): LockState {
  const rank = { open: 0, locked: 1, recovery: 2 } as const;
  return rank[other.kind] > rank[one.kind] ? other : one;
}

/**
 * For a counted try that was right or was not compared: it no longer counts as a failure. Only a complete login ends the row of failures.
 */
export async function uncountTry(tx: Transaction, { address, account }: Counters): Promise<void> {
  if (address) await uncount(tx, address);
  await uncount(tx, account);
}

export async function uncount(tx: Transaction, { subject, deviceId }: FailureKey): Promise<void> {
  await tx.query(
    `UPDATE login_failure SET failures = greatest(failures - 1, 0),
       failures_in_a_row = greatest(failures_in_a_row - 1, 0), locked_until = NULL
     WHERE subject = $1 AND device_id = $2`,
    [subject, deviceId],
  );
}

/** After a login with that address from that browser. */
export async function forgetFailures(tx: Transaction, { address, account }: Counters): Promise<void> {
  for (const { subject, deviceId } of address ? [address, account] : [account])
    await tx.query("DELETE FROM login_failure WHERE subject = $1 AND device_id = $2", [subject, deviceId]);
}

/** After a new password was set or approved: every browser starts with fresh counters. */
export async function forgetAllFailures(tx: Transaction, subject: string): Promise<void> {
  await tx.query("DELETE FROM login_failure WHERE subject = $1", [subject]);
}
