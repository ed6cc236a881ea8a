import type { CurrentSession, Identity, SessionList } from "@fusion/contract/login.ts";
import type { z } from "zod";
import { dataScopeOf } from "../../access/data-scope.ts";
import { SessionRequired } from "../../access/errors.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { presenceEndsAt } from "../../access/recent-presence.ts";
import { requireSession } from "../../access/transaction-of.ts";
import { recordAudit } from "../../audit/record.ts";
import type { Clock } from "../../platform/clock.ts";
import { type Database, systemScope } from "../../platform/database/database.ts";
import { NotFound } from "../../platform/errors.ts";
import type { SessionId } from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import type { LoginLimits } from "../limits.ts";
import { identitiesOf } from "../people/identity-store.ts";
import { listLiveSessions, markSessionEnded } from "./session-store.ts";

/** The session as the console shows it: who, of which fintech, and until when. */
export async function describeCurrentSession(
  { db, clock, limits }: { db: Database; clock: Clock; limits: LoginLimits },
  principal: UserPrincipal,
): Promise<CurrentSession> {
  const [row] = await db.reader(dataScopeOf(principal)).query<{
    expires_at: Date;
    last_seen_at: Date;
    identities: Identity[];
    fintech_name: string | null;
    client_id: string | null;
    time_zone: string | null;
  }>(
    `SELECT s.expires_at, s.last_seen_at, f.name AS fintech_name, f.client_id, f.time_zone,
       ${identitiesOf("s.user_id")} AS identities
     FROM user_session s JOIN console_user u ON u.user_id = s.user_id
     LEFT JOIN fintech f ON f.ifi_id = u.ifi_id AND f.fintech_id = u.fintech_id
     WHERE s.session_id = $1 AND s.user_id = $2`,
    [principal.sessionId, principal.userId],
  );
  if (!row) throw new SessionRequired();
  const presenceUntil = presenceEndsAt(principal.steppedUpAt);
  const now = clock.now();
  const idleAt = row.last_seen_at.getTime() + limits.sessionIdleMs;
  const endsAt = Math.min(idleAt, row.expires_at.getTime());
  return {
    user: {
      userId: principal.userId,
      name: principal.name,
      role: principal.role,
      identities: row.identities,
    },
    fintech:
      principal.fintech && row.fintech_name !== null && row.client_id !== null && row.time_zone !== null
        ? { ...principal.fintech, name: row.fintech_name, clientId: row.client_id, timeZone: row.time_zone }
        : null,
    sessionId: principal.sessionId,
    idleTimeoutSeconds: limits.sessionIdleMs / 1000,
    expiresAt: row.expires_at.toISOString(),
    endsInSeconds: Math.max(0, Math.floor((endsAt - now.getTime()) / 1000)),
    endsFor: endsAt === idleAt ? "idle" : "age",
    steppedUpUntil: presenceUntil > now ? presenceUntil.toISOString() : null,
  };
}

/** The person's own live sessions, the most recently seen first. */
export async function listSessions(
  { db, clock, limits }: { db: Database; clock: Clock; limits: LoginLimits },
  principal: UserPrincipal,
): Promise<z.infer<typeof SessionList>> {
  const reader = db.reader(dataScopeOf(principal));
  const sessions = await listLiveSessions(reader, principal.userId, clock.now(), limits);
  return {
    sessions: sessions.map((session) => ({
      ...session,
      createdAt: session.createdAt.toISOString(),
      lastSeenAt: session.lastSeenAt.toISOString(),
      current: session.sessionId === principal.sessionId,
    })),
  };
}

/**
 * Ends one of the person's own sessions, at once. Throws `not_found` for somebody else's session or one that has ended, and
 * `session_required` when the acting session has ended.
 */
export async function endSession(
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  principal: UserPrincipal,
  { sessionId, requestId }: { sessionId: SessionId; requestId: string },
): Promise<void> {
  await deps.db.transaction(systemScope, async (tx) => {
    await requireSession(tx, principal, "NO KEY UPDATE");
    const ended = await markSessionEnded(tx, { userId: principal.userId, sessionId, now: deps.clock.now() });
    if (!ended) throw new NotFound("There is no such session.");
    await recordAudit(tx, deps, principal, {
      action: "session.ended",
      object: { kind: "session", id: sessionId },
      fintech: principal.fintech,
      details: { by: sessionId === principal.sessionId ? "logout" : "another session" },
      requestId,
    });
  });
}
