import type { Role } from "@fusion/contract/login.ts";
import type { Database, Queryable, Transaction } from "../../platform/database/database.ts";
import { systemScope } from "../../platform/database/database.ts";
import { prepared } from "../../platform/database/prepared.ts";
import type { FintechId, IfiId, SessionId, UserId } from "../../platform/ids.ts";
import type { LoginLimits } from "../limits.ts";

/** A session as the database stores it. */
export interface Session {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly deviceId: string;
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  readonly steppedUpAt: Date;
}

export interface NewSession extends Session {
  readonly secretHash: Buffer;
  readonly ip: string;
  readonly userAgent: string;
}

/** The conditions for a live session, besides its person's access: $1 is now, $2 the oldest allowed last sight. */
const isLive = "s.ended_at IS NULL AND s.expires_at > $1 AND s.last_seen_at > $2";

function liveSince(now: Date, limits: LoginLimits): [Date, Date] {
  return [now, new Date(now.getTime() - limits.sessionIdleMs)];
}

export async function insertSession(tx: Transaction, session: NewSession): Promise<void> {
  await tx.query(
    `INSERT INTO user_session (session_id, secret_hash, user_id, device_id, created_at, last_seen_at, expires_at, stepped_up_at, ip, user_agent)
     VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)`,
    [
      session.sessionId,
      session.secretHash,
      session.userId,
      session.deviceId,
      session.lastSeenAt,
      session.expiresAt,
      session.steppedUpAt,
      session.ip,
      session.userAgent,
    ],
  );
}

/** The live session of a cookie, with its person, who still has access. */
export async function findSession(
  db: Database,
  secretHash: Buffer,
  now: Date,
  limits: LoginLimits,
): Promise<
  (Session & { name: string; role: Role; ifiId: IfiId | null; fintechId: FintechId | null }) | undefined
> {
  const [row] = await db.reader(systemScope).query<{
    session_id: SessionId;
    user_id: UserId;
    device_id: string;
    last_seen_at: Date;
    expires_at: Date;
    stepped_up_at: Date;
    name: string;
    role: Role;
    ifi_id: IfiId | null;
    fintech_id: FintechId | null;
  }>(
    prepared(`SELECT s.session_id, s.user_id, s.device_id, s.last_seen_at, s.expires_at, s.stepped_up_at, u.name, u.role, u.ifi_id, u.fintech_id
     FROM user_session s JOIN console_user u ON u.user_id = s.user_id AND u.disabled_at IS NULL
     WHERE s.secret_hash = $3 AND ${isLive}`),
    [...liveSince(now, limits), secretHash],
  );
  return (
    row && {
      sessionId: row.session_id,
      userId: row.user_id,
      deviceId: row.device_id,
      lastSeenAt: row.last_seen_at,
      expiresAt: row.expires_at,
      steppedUpAt: row.stepped_up_at,
      name: row.name,
      role: row.role,
      ifiId: row.ifi_id,
      fintechId: row.fintech_id,
    }
  );
}

export async function touchSession(db: Database, sessionId: SessionId, now: Date): Promise<void> {
  await db.transaction(systemScope, (tx) =>
    tx.query(
      prepared(
        "UPDATE user_session SET last_seen_at = $2 WHERE session_id = $1 AND last_seen_at < $2 AND ended_at IS NULL",
      ),
      [sessionId, now],
    ),
  );
}

export async function listLiveSessions(
  db: Queryable,
  userId: UserId,
  now: Date,
  limits: LoginLimits,
): Promise<{ sessionId: SessionId; createdAt: Date; lastSeenAt: Date; ip: string; userAgent: string }[]> {
  const rows = await db.query<{
    session_id: SessionId;
    created_at: Date;
    last_seen_at: Date;
    ip: string;
    user_agent: string;
  }>(
    `SELECT s.session_id, s.created_at, s.last_seen_at, s.ip, s.user_agent FROM user_session s
     WHERE s.user_id = $3 AND ${isLive} ORDER BY s.last_seen_at DESC, s.session_id LIMIT 200`,
    [...liveSince(now, limits), userId],
  );
  return rows.map((row) => ({
    sessionId: row.session_id,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    ip: row.ip,
    userAgent: row.user_agent,
  }));
}

/** Ends one session of the person. False when there is no such session that was still open. */
export async function markSessionEnded(
  tx: Transaction,
  { userId, sessionId, now }: { userId: UserId; sessionId: SessionId; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    "UPDATE user_session SET ended_at = $3 WHERE session_id = $1 AND user_id = $2 AND ended_at IS NULL RETURNING session_id",
    [sessionId, userId, now],
  );
  return rows.length > 0;
}

/** Ends the session of a cookie, whoever's it is, if there is one that is still open. */
export async function markCookieEnded(tx: Transaction, secretHash: Buffer, now: Date): Promise<void> {
  await tx.query("UPDATE user_session SET ended_at = $2 WHERE secret_hash = $1 AND ended_at IS NULL", [
    secretHash,
    now,
  ]);
}

/** Ends every session of the person, except one that is to stay. Returns how many. */
export async function markAllSessionsEnded(
  tx: Transaction,
  userId: UserId,
  now: Date,
  staying: SessionId | null = null,
): Promise<number> {
  const rows = await tx.query(
    `UPDATE user_session SET ended_at = $2
     WHERE user_id = $1 AND ended_at IS NULL AND session_id IS DISTINCT FROM $3 RETURNING session_id`,
    [userId, now, staying],
  );
  return rows.length;
}

/** The session goes on under another id and cookie; the earlier ones no longer lead to any session. */
export async function renewSession(
  tx: Transaction,
  from: SessionId,
  to: { readonly sessionId: SessionId; readonly secretHash: Buffer },
): Promise<void> {
  await tx.query("UPDATE user_session SET session_id = $2, secret_hash = $3 WHERE session_id = $1", [
    from,
    to.sessionId,
    to.secretHash,
  ]);
}

export async function markSteppedUp(tx: Transaction, sessionId: SessionId, now: Date): Promise<void> {
  await tx.query("UPDATE user_session SET stepped_up_at = $2 WHERE session_id = $1 AND ended_at IS NULL", [
    sessionId,
    now,
  ]);
}
