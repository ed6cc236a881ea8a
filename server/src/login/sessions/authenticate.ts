import type { FastifyRequest } from "fastify";
import type { AuthenticateUser } from "../../access/authenticate.ts";
import { SessionRequired } from "../../access/errors.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Database } from "../../platform/database/database.ts";
import { type LoginLimits, standardLimits } from "../limits.ts";
import { hashBrowserSecret } from "./browser-secret.ts";
import { createLoginCookies } from "./cookies.ts";
import { findSession, touchSession } from "./session-store.ts";

/** A session that a request proved, with the details that only this room needs. */
export interface ProvenSession {
  readonly principal: UserPrincipal;
  readonly deviceId: string;
  readonly expiresAt: Date;
  readonly secretHash: Buffer;
}

/**
 * Gives the session of a request, or throws `session_required`. A request of a page of somebody else than the session's person has none,
 * unless a session of anybody is asked for.
 */
export type ProveSession = (request: FastifyRequest, whose?: "anybody's") => Promise<ProvenSession>;

interface AuthenticationDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly secureCookies: boolean;
  readonly limits?: LoginLimits;
}

/**
 * Turns the session cookie into the person, anew on every request. A session has no effect once it was ended, idle for 15 minutes or open
 * for 12 hours, or once its person's access ended. A request with `X-Fusion-Background: true` comes from a page that refreshes itself,
 * perhaps with nobody there, so it does not prolong the session. A request with `X-Fusion-User` comes from a page of that person. If
 * somebody else has logged in in the same browser since, the cookie is theirs and the request has no session, so that no page mixes two
 * people. Throws `session_required`, the same in each case.
 */
export function createUserAuthentication(deps: AuthenticationDeps): AuthenticateUser {
  const prove = createSessionProof(deps);
  return async (request) => (await prove(request)).principal;
}

export function createSessionProof({
  db,
  clock,
  secureCookies,
  limits = standardLimits,
}: AuthenticationDeps): ProveSession {
  const cookies = createLoginCookies({ secure: secureCookies });
  return async (request, whose) => {
    const secret = cookies.read(request, "session");
    if (secret === undefined) throw new SessionRequired();
    const secretHash = hashBrowserSecret(secret);
    const now = clock.now();
    const session = await findSession(db, secretHash, now, limits);
    if (!session) throw new SessionRequired();
    const pageOf = request.headers["x-fusion-user"];
    if (pageOf !== undefined && pageOf !== session.userId && whose !== "anybody's")
      throw new SessionRequired();
    const isSeen = request.headers["x-fusion-background"] !== "true";
    if (isSeen && now.getTime() - session.lastSeenAt.getTime() >= limits.sessionTouchMs)
      await touchSession(db, session.sessionId, now);
    const { userId, name, role, sessionId, steppedUpAt, ifiId, fintechId } = session;
    const fintech = ifiId && fintechId ? { ifiId, fintechId } : null;
    return {
      principal: { kind: "user", userId, name, role, fintech, sessionId, steppedUpAt },
      deviceId: session.deviceId,
      expiresAt: session.expiresAt,
      secretHash,
    };
  };
}
