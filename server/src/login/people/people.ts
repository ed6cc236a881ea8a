import type { Person, PersonList } from "@fusion/contract/login.ts";
import type { z } from "zod";
import { dataScopeOf } from "../../access/data-scope.ts";
import { RoleInsufficient } from "../../access/errors.ts";
import { type Administrator, isOperator } from "../../access/roles.ts";
import type { Database } from "../../platform/database/database.ts";
import type { FintechId } from "../../platform/ids.ts";
import { identitiesOf } from "./identity-store.ts";

/** All people are listed in one answer. A fintech has dozens; beyond this the list would need pages. */
export const listedPeopleMax = 2_000;

/**
 * Lists the people of the caller's fintech, for its admins; for operators everyone, or only those `of` a fintech or the Fusion team.
 * Row-level security holds a fintech's admin to their own fintech. Throws `role_insufficient`.
 */
export async function listPeople(
  { db }: { readonly db: Database },
  actor: Administrator,
  { of = null }: { readonly of?: FintechId | "fusion-team" | null | undefined } = {},
): Promise<z.infer<typeof PersonList>> {
  if (!isOperator(actor) && !(actor.kind === "user" && actor.role === "fintech_admin"))
    throw new RoleInsufficient("an admin of the fintech or an operator");
  const rows = await db.reader(dataScopeOf(actor)).query<{
    user_id: string;
    name: string;
    role: Person["role"];
    fintech_name: string | null;
    client_id: string | null;
    password_set: boolean;
    disabled_at: Date | null;
    last_seen_at: Date | null;
    requested_at: Date | null;
    reset_reason: Person["resetReason"];
    identities: Person["identities"];
    access: Person["access"];
  }>(
    `SELECT u.user_id, u.name, u.role, f.name AS fintech_name, f.client_id, u.password_hash IS NOT NULL AS password_set, u.disabled_at,
       r.requested_at, r.reason AS reset_reason,
       (SELECT max(last_seen_at) FROM user_session s WHERE s.user_id = u.user_id) AS last_seen_at,
       ${identitiesOf("u.user_id")} AS identities,
       coalesce((SELECT json_agg(json_build_object('applicationId', a.application_id, 'applicationName', a.name,
                                                   'environment', a.environment, 'level', g.level) ORDER BY a.name, a.application_id)
                 FROM application_access g JOIN application a USING (ifi_id, environment, fintech_id, application_id)
                 WHERE g.user_id = u.user_id), '[]') AS access
     FROM console_user u LEFT JOIN fintech f USING (ifi_id, fintech_id)
       LEFT JOIN password_reset r ON r.user_id = u.user_id AND r.approved_at IS NULL
     WHERE $2::text IS NULL OR coalesce(u.fintech_id::text, 'fusion-team') = $2
     ORDER BY r.requested_at DESC NULLS LAST, lower(u.name), u.user_id LIMIT $1`,
    [listedPeopleMax, of],
  );
  return {
    people: rows.map((row) => ({
      userId: row.user_id,
      name: row.name,
      role: row.role,
      fintechName: row.fintech_name,
      clientId: row.client_id,
      identities: row.identities,
      access: row.access,
      passwordSet: row.password_set,
      lastSeenAt: row.last_seen_at?.toISOString() ?? null,
      disabledAt: row.disabled_at?.toISOString() ?? null,
      resetRequestedAt: row.requested_at?.toISOString() ?? null,
      resetReason: row.reset_reason,
    })),
  };
}
