import type { Transaction } from "../../platform/database/database.ts";
import type { UserId } from "../../platform/ids.ts";
import { LoginExpired, LoginStepWrong } from "../errors.ts";
import type { Address } from "../identifier.ts";
import type { FailureKey } from "../lockout/failures.ts";
import { type LoginPerson, lockPerson } from "../people/person-store.ts";

export type WalkStep = "code" | "password" | "set_password" | "forgot_code";
/** Why a password is being set. */
export type SetReason = "first_login" | "forgotten" | "approved";

/** One browser's way through a login. */
export interface Walk extends FailureKey {
  readonly walkHash: Buffer;
  readonly step: WalkStep;
  /** What was typed. */
  readonly address: Address;
  /** Null when nobody has that address: such a walk never gets past the code. */
  readonly userId: UserId | null;
  readonly verifiedAt: Date | null;
  readonly forgotAddress: Address | null;
  readonly setReason: SetReason | null;
}

export async function insertWalk(
  tx: Transaction,
  walk: Pick<Walk, "walkHash" | "address" | "userId" | "subject" | "deviceId">,
  times: { now: Date; expiresAt: Date },
): Promise<void> {
  await tx.query(
    `INSERT INTO login_walk (walk_hash, step, channel, address, user_id, subject, device_id, created_at, expires_at)
     VALUES ($1, 'code', $2, $3, $4, $5, $6, $7, $8)`,
    [
      walk.walkHash,
      walk.address.channel,
      walk.address.address,
      walk.userId,
      walk.subject,
      walk.deviceId,
      times.now,
      times.expiresAt,
    ],
  );
}

/**
 * The browser's walk, locked until the transaction ends, so that its steps happen one after the other. Throws {@link LoginExpired} when
 * there is none (any more), {@link LoginStepWrong} when it stands at none of the given steps.
 */
export async function lockWalk(
  tx: Transaction,
  walkHash: Buffer,
  steps: readonly WalkStep[],
  now: Date,
): Promise<Walk> {
  const [row] = await tx.query<{
    step: WalkStep;
    channel: Address["channel"];
    address: string;
    user_id: UserId | null;
    subject: string;
    device_id: string;
    verified_at: Date | null;
    forgot_channel: Address["channel"] | null;
    forgot_address: string | null;
    set_reason: SetReason | null;
  }>(
    `SELECT step, channel, address, user_id, subject, device_id, verified_at, forgot_channel, forgot_address, set_reason
     FROM login_walk WHERE walk_hash = $1 AND expires_at > $2 FOR UPDATE`,
    [walkHash, now],
  );
  if (!row) throw new LoginExpired();
  if (!steps.includes(row.step)) throw new LoginStepWrong();
  return {
    walkHash,
    step: row.step,
    address: { channel: row.channel, address: row.address },
    userId: row.user_id,
    subject: row.subject,
    deviceId: row.device_id,
    verifiedAt: row.verified_at,
    forgotAddress:
      row.forgot_channel !== null && row.forgot_address !== null
        ? { channel: row.forgot_channel, address: row.forgot_address }
        : null,
    setReason: row.set_reason,
  };
}

/**
 * {@link lockPerson} for a walk. Finds nobody once an address to which one of its codes went is no longer the person's, so that somebody
 * who holds a replaced phone gets no further with the code it was sent.
 */
export async function lockPersonOf(
  tx: Transaction,
  walk: Pick<Walk, "userId" | "address" | "forgotAddress">,
): Promise<LoginPerson | undefined> {
  const person = await lockPerson(tx, walk.userId);
  const isTheirs = (asked: Address | null): boolean =>
    asked === null ||
    person?.identities.some(
      ({ channel, address }) => channel === asked.channel && address === asked.address,
    ) === true;
  return isTheirs(walk.address) && isTheirs(walk.forgotAddress) ? person : undefined;
}

export async function moveWalk(
  tx: Transaction,
  walkHash: Buffer,
  to: {
    readonly step: WalkStep;
    readonly verifiedAt?: Date;
    readonly forgotAddress?: Address;
    readonly setReason?: SetReason | null;
  },
): Promise<void> {
  await tx.query(
    `UPDATE login_walk SET step = $2, verified_at = coalesce($3, verified_at), forgot_channel = coalesce($4, forgot_channel),
       forgot_address = coalesce($5, forgot_address), set_reason = $6
     WHERE walk_hash = $1`,
    [
      walkHash,
      to.step,
      to.verifiedAt ?? null,
      to.forgotAddress?.channel ?? null,
      to.forgotAddress?.address ?? null,
      to.setReason ?? null,
    ],
  );
}

/**
 * Ends a walk and its codes: at the login, or when the browser starts again. The walk goes first: its row is what every step locks before
 * it touches a code, and the other order would deadlock with a step that is under way.
 */
export async function endWalk(tx: Transaction, walkHash: Buffer): Promise<void> {
  await tx.query("DELETE FROM login_walk WHERE walk_hash = $1", [walkHash]);
  await tx.query("DELETE FROM one_time_code WHERE browser_hash = $1", [walkHash]);
}
