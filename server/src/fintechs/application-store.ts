import type { Queryable } from "../platform/database/database.ts";
import { prepared } from "../platform/database/prepared.ts";
import type { ApplicationId, Tenant, UserId } from "../platform/ids.ts";
import type { Application, GrantedLevel } from "./application.ts";

// SQL on applications and the access to them, private to the room.

interface ApplicationRow {
  application_id: ApplicationId;
  ifi_id: Tenant["ifiId"];
  environment: Tenant["environment"];
  fintech_id: Tenant["fintechId"];
  name: string;
  description: string;
  scopes: string[];
  ip_allow_list: string[];
  suspended_at: Date | null;
  created_at: Date;
  fintech_name: string;
  fintech_suspended_at: Date | null;
  client_id: string;
  time_zone: string;
  reminder_time: string;
  tokens_max: number;
  lifetime_days_max: number;
  level: GrantedLevel;
}

export interface ApplicationWithGrant {
  readonly application: Application;
  /** What the person asking was granted. */
  readonly granted: GrantedLevel;
}

// The person goes into the join, not into WHERE: an application without a grant is still found, for people who need none.
const select = `
  SELECT application_id, ifi_id, environment, fintech_id, application.name, application.description, application.scopes,
    application.ip_allow_list::text[] AS ip_allow_list, application.suspended_at, application.created_at, fintech.name AS fintech_name,
    fintech.suspended_at AS fintech_suspended_at, fintech.client_id, fintech.time_zone,
    to_char(fintech.reminder_time, 'HH24:MI') AS reminder_time,
    coalesce(application.tokens_max, fintech.tokens_per_application_max) AS tokens_max,
    fintech.lifetime_days_max, granted.level
  FROM application
  JOIN fintech USING (ifi_id, fintech_id)
  LEFT JOIN (SELECT * FROM application_access WHERE user_id = $1) AS granted
    USING (ifi_id, environment, fintech_id, application_id)`;

/** The application, and what this person (null: nobody in particular) was granted on it. */
export async function findApplicationWithGrant(
  db: Queryable,
  applicationId: ApplicationId,
  userId: UserId | null,
): Promise<ApplicationWithGrant | undefined> {
  const [row] = await db.query<ApplicationRow>(prepared(`${select} WHERE application_id = $2`), [
    userId,
    applicationId,
  ]);
  return row && toApplication(row);
}

/** Every application in the transaction's scope, by fintech, live before sandbox, then by name. */
export async function listApplicationRows(
  db: Queryable,
  userId: UserId | null,
): Promise<ApplicationWithGrant[]> {
  const rows = await db.query<ApplicationRow>(
    `${select} ORDER BY fintech.name, environment, application.name, application_id`,
    [userId],
  );
  return rows.map(toApplication);
}

/** Sets what is given; `tokensMax: null` falls back to the fintech's limit. The caller holds the gate. */
export async function writePolicy(
  tx: Queryable,
  applicationId: ApplicationId,
  {
    scopes,
    ipAllowList,
    tokensMax,
  }: {
    readonly scopes?: readonly string[] | undefined;
    readonly ipAllowList?: readonly string[] | undefined;
    readonly tokensMax?: number | null | undefined;
  },
): Promise<void> {
  await tx.query(
    `UPDATE application SET scopes = coalesce($2, scopes), ip_allow_list = coalesce($3::text[]::cidr[], ip_allow_list),
       tokens_max = CASE WHEN $4 THEN $5 ELSE tokens_max END
     WHERE application_id = $1`,
    [applicationId, scopes ?? null, ipAllowList ?? null, tokensMax !== undefined, tokensMax ?? null],
  );
}

function toApplication(row: ApplicationRow): ApplicationWithGrant {
  return {
    application: {
      applicationId: row.application_id,
      tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
      name: row.name,
      description: row.description,
      scopes: row.scopes,
      ipAllowList: row.ip_allow_list,
      suspendedAt: row.suspended_at,
      createdAt: row.created_at,
      fintechName: row.fintech_name,
      fintechSuspendedAt: row.fintech_suspended_at,
      clientId: row.client_id,
      timeZone: row.time_zone,
      reminderTime: row.reminder_time,
      tokensMax: row.tokens_max,
      lifetimeDaysMax: row.lifetime_days_max,
    },
    granted: row.level,
  };
}
