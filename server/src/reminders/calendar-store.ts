import type { Queryable, Transaction } from "../platform/database/database.ts";
import type { FintechKey, UserId } from "../platform/ids.ts";
import { joinRevocation } from "./due-notices.ts";

// SQL on calendar feeds, private to the room.

export interface FeedOwner extends FintechKey {
  readonly userId: UserId;
}

const keyValues = ({ ifiId, fintechId, userId }: FeedOwner): string[] => [ifiId, fintechId, userId];

/**
 * A person `u`'s proofs of identity: when the password was set, and when each address was given. Compared only with earlier values of
 * itself, never with a clock.
 */
const provenWith =
  "u.password_set_at || ARRAY(SELECT i.created_at FROM identity i WHERE i.user_id = u.user_id ORDER BY i.channel)";

/**
 * The feeds `f` that lead somewhere, with their people `u`. The person's access has not ended, and since the feed was made neither the
 * password was set nor an address changed: that ends all sessions, and whoever had taken over the account may have made the feed. Feeds of
 * older releases do not record these proofs, so for them times are compared.
 */
const openFeeds = `calendar_feed f JOIN console_user u
  ON u.ifi_id = f.ifi_id AND u.fintech_id = f.fintech_id AND u.user_id = f.user_id
 AND u.disabled_at IS NULL AND CASE WHEN f.made_under IS NOT NULL THEN f.made_under = ${provenWith}
   ELSE (u.password_set_at IS NULL OR u.password_set_at < f.made_at)
     AND NOT EXISTS (SELECT FROM identity i WHERE i.user_id = f.user_id AND i.created_at >= f.made_at) END`;

export async function findFeedTime(tx: Queryable, owner: FeedOwner): Promise<Date | undefined> {
  const [row] = await tx.query<{ made_at: Date }>(
    `SELECT f.made_at FROM ${openFeeds} WHERE (f.ifi_id, f.fintech_id, f.user_id) = ($1, $2, $3)`,
    keyValues(owner),
  );
  return row?.made_at;
}

/** Writes the person's feed. Its previous address stops working. */
export async function writeFeed(
  tx: Transaction,
  owner: FeedOwner,
  { secretHash, madeAt }: { readonly secretHash: Buffer; readonly madeAt: Date },
): Promise<void> {
  await tx.query(
    `INSERT INTO calendar_feed (ifi_id, fintech_id, user_id, secret_hash, made_at, made_under)
     VALUES ($1, $2, $3, $4, $5, (SELECT ${provenWith} FROM console_user u WHERE u.user_id = $3))
     ON CONFLICT (ifi_id, fintech_id, user_id) DO UPDATE
     SET secret_hash = excluded.secret_hash, made_at = excluded.made_at, made_under = excluded.made_under`,
    [...keyValues(owner), secretHash, madeAt],
  );
}

/** Returns whether there was one. */
export async function deleteFeed(tx: Transaction, owner: FeedOwner): Promise<boolean> {
  const rows = await tx.query(
    "DELETE FROM calendar_feed WHERE (ifi_id, fintech_id, user_id) = ($1, $2, $3) RETURNING user_id",
    keyValues(owner),
  );
  return rows.length > 0;
}

/** The owner of a feed that still leads somewhere. */
export async function findFeedOwner(tx: Queryable, secretHash: Buffer): Promise<FeedOwner | undefined> {
  const [row] = await tx.query<FeedOwner & Record<string, unknown>>(
    `SELECT f.ifi_id AS "ifiId", f.fintech_id AS "fintechId", f.user_id AS "userId"
     FROM ${openFeeds} WHERE f.secret_hash = $1`,
    [secretHash],
  );
  return row;
}

export interface ExpiringSubscription {
  readonly tokenId: string;
  readonly name: string;
  readonly environment: "sandbox" | "live";
  readonly applicationId: string;
  readonly applicationName: string;
  readonly expiresAt: Date;
  readonly subscribedAt: Date;
  /** When its live replacement was made; null while it has none. */
  readonly renewedAt: Date | null;
  /** When the revocation planned at its renewal is due; null while that is not certain, and without a plan. */
  readonly revocationAt: Date | null;
}

/** Active tokens that the person asked to be reminded of and may see, in the order of their ends. */
export async function listExpiringSubscriptions(
  tx: Queryable,
  { ifiId, fintechId, userId }: FeedOwner,
  { now, limit }: { readonly now: Date; readonly limit: number },
): Promise<ExpiringSubscription[]> {
  return tx.query<ExpiringSubscription & Record<string, unknown>>(
    `SELECT s.token_id AS "tokenId", s.name, s.environment, s.application_id AS "applicationId", app.name AS "applicationName",
            s.expires_at AS "expiresAt", s.subscribed_at AS "subscribedAt", replacement.created_at AS "renewedAt",
            revocation.due_at AS "revocationAt"
     FROM remindable_subscription s
     JOIN application app USING (ifi_id, environment, fintech_id, application_id)
     LEFT JOIN token replacement ON replacement.token_id = live_replacement(s.token_id, $4)
     ${joinRevocation("s")}
     WHERE (s.ifi_id, s.fintech_id, s.user_id) = ($1, $2, $3) AND s.ended_at IS NULL AND s.revoked_at IS NULL AND s.expires_at > $4
       AND sees_application(s.user_id, s.application_id)
     ORDER BY s.expires_at, s.token_id LIMIT $5`,
    [ifiId, fintechId, userId, now, limit],
  );
}
