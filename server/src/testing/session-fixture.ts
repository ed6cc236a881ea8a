import { randomBytes } from "node:crypto";
import type pg from "pg";
import type { UserPrincipal } from "../access/principal.ts";
import { hashBrowserSecret } from "../login/sessions/browser-secret.ts";

/** Logs the person in without going through a login; returns the Cookie header of a browser that talks plain HTTP to loopback. */
export async function arrangeSession(owner: pg.Pool, user: UserPrincipal, now = new Date()): Promise<string> {
  const secret = randomBytes(32).toString("base64url");
  await owner.query(
    `INSERT INTO user_session (session_id, secret_hash, user_id, device_id, created_at, last_seen_at, expires_at, stepped_up_at, ip, user_agent)
     VALUES ($1, $2, $3, 'device', $4, $4, $5, $4, '127.0.0.1', 'test')
     ON CONFLICT (session_id) DO UPDATE SET secret_hash = excluded.secret_hash, last_seen_at = excluded.last_seen_at,
       expires_at = excluded.expires_at, stepped_up_at = excluded.stepped_up_at`,
    [user.sessionId, hashBrowserSecret(secret), user.userId, now, new Date(now.getTime() + 12 * 3_600_000)],
  );
  return `fusion_session=${secret}`;
}
