import { randomUUID } from "node:crypto";
import type { Role } from "@fusion/contract/login.ts";
import type pg from "pg";
import type { UserPrincipal } from "../access/principal.ts";
import {
  type ApplicationId,
  type Environment,
  type FintechId,
  type FintechKey,
  type IfiId,
  newId,
  type SessionId,
  type UserId,
} from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";

// Inserts rows directly as the owner, so that a room's tests need no other room's use cases.

export interface TestFintech extends FintechKey {
  readonly clientId: string;
}

/** A fintech of the given bank (made if missing). Zone Asia/Kolkata, reminders at 09:00. */
export async function arrangeFintech(owner: pg.Pool, ifiId = "140793"): Promise<TestFintech> {
  const fintechId = randomUUID() as FintechId;
  const clientId = `client-${fintechId.slice(0, 8)}`;
  await owner.query(
    "INSERT INTO ifi (ifi_id, name, created_at) VALUES ($1, 'Test Bank', now()) ON CONFLICT DO NOTHING",
    [ifiId],
  );
  await owner.query(
    "INSERT INTO fintech (ifi_id, fintech_id, name, client_id, created_at) VALUES ($1, $2, $3, $4, now())",
    [ifiId, fintechId, `Fintech ${fintechId.slice(0, 8)}`, clientId],
  );
  return { ifiId: ifiId as IfiId, fintechId, clientId };
}

export async function arrangeApplication(
  owner: pg.Pool,
  fintech: TestFintech,
  environment: Environment = "sandbox",
  scopes: readonly string[] = ["admin"],
): Promise<ApplicationId> {
  const applicationId = newId<ApplicationId>(systemRandom, "app");
  await owner.query(
    `INSERT INTO application (ifi_id, environment, fintech_id, application_id, name, scopes, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, now())`,
    [
      fintech.ifiId,
      environment,
      fintech.fintechId,
      applicationId,
      `Application ${applicationId.slice(4, 10)}`,
      scopes,
    ],
  );
  return applicationId;
}

/**
 * A person with an email and, unless told otherwise, a phone; of the fintech, or of the Fusion team if it is null. The principal's session
 * is for use cases only: no browser has it, and it is not listed.
 */
export async function arrangeUser(
  owner: pg.Pool,
  fintech: TestFintech | null,
  role: Role,
  options: { phone?: string | null; email?: string; now?: Date } = {},
): Promise<UserPrincipal & { readonly email: string; readonly phone: string | null }> {
  const userId = newId<UserId>(systemRandom, "usr");
  const name = `Person ${userId.slice(4, 9)}`;
  await owner.query(
    "INSERT INTO console_user (user_id, name, role, ifi_id, fintech_id, created_at) VALUES ($1, $2, $3, $4, $5, now())",
    [userId, name, role, fintech?.ifiId ?? null, fintech?.fintechId ?? null],
  );
  const email = options.email ?? `${userId.slice(4).toLowerCase()}@example.com`;
  const digits = String(Math.floor(Math.random() * 1e9)).padStart(9, "0");
  const phone = options.phone === undefined ? `+919${digits}` : options.phone;
  for (const [channel, address] of [
    ["email", email],
    ["sms", phone],
  ]) {
    if (address === null) continue;
    await owner.query(
      "INSERT INTO identity (channel, address, user_id, verified_at, created_at) VALUES ($1, $2, $3, now(), now())",
      [channel, address, userId],
    );
  }
  const sessionId = newId<SessionId>(systemRandom, "ses");
  await owner.query(
    `INSERT INTO user_session (session_id, secret_hash, user_id, device_id, created_at, last_seen_at, expires_at, stepped_up_at, ip, user_agent)
     VALUES ($1, sha256(convert_to($1::text, 'UTF8')), $2, 'test', now(), now(), now(), now(), '127.0.0.1', 'test')`,
    [sessionId, userId],
  );
  return {
    kind: "user",
    userId,
    name,
    role,
    fintech: fintech ? { ifiId: fintech.ifiId, fintechId: fintech.fintechId } : null,
    sessionId,
    steppedUpAt: options.now ?? new Date(),
    email,
    phone,
  };
}

export async function grantAccess(
  owner: pg.Pool,
  user: UserPrincipal,
  applicationId: ApplicationId,
  level: "view" | "manage",
): Promise<void> {
  await owner.query(
    `INSERT INTO application_access (ifi_id, environment, fintech_id, application_id, user_id, level, granted_at)
     SELECT ifi_id, environment, fintech_id, application_id, $2, $3, now() FROM application WHERE application_id = $1`,
    [applicationId, user.userId, level],
  );
}

/** The epoch of the latest narrowing. */
export async function latestEpoch(owner: pg.Pool): Promise<number> {
  const { rows } = await owner.query<{ epoch: string }>("SELECT epoch FROM narrowing_clock");
  return Number(rows[0]?.epoch);
}
