import type { Queryable } from "../platform/database/database.ts";
import { ofTenant, tenantKey } from "../platform/database/of-tenant.ts";
import type { Tenant } from "../platform/ids.ts";
import type { ApplicationStatus, HolderApplication } from "./individual.ts";

// SQL on applications. Private to the room, like account-holder-store.ts.

export async function nextApplicationNumber(tx: Queryable): Promise<string> {
  const [row] = await tx.query<{ number: string }>("SELECT nextval('holder_application_number') AS number");
  return row?.number ?? "";
}

/** The caller's key of a submission: the formID, or for newer applications the requestID. */
export type ApplicationKey = { readonly formId: string } | { readonly requestId: string };

export interface FirstAnswer {
  readonly applicationNumber: string;
  readonly contentMac: Buffer;
  readonly answerSealed: Buffer;
}

export async function findFirstAnswer(
  tx: Queryable,
  tenant: Tenant,
  key: ApplicationKey,
): Promise<FirstAnswer | undefined> {
  const [column, value] = "formId" in key ? ["form_id", key.formId] : ["request_id", key.requestId];
  const [row] = await tx.query<{ application_number: string; content_mac: Buffer; answer_sealed: Buffer }>(
    `SELECT application_number, content_mac, answer_sealed FROM holder_application WHERE ${ofTenant} AND ${column} = $4`,
    [...tenantKey(tenant), value],
  );
  return (
    row && {
      applicationNumber: row.application_number,
      contentMac: row.content_mac,
      answerSealed: row.answer_sealed,
    }
  );
}

export async function insertApplication(
  tx: Queryable,
  tenant: Tenant,
  application: FirstAnswer & {
    readonly kind: HolderApplication["kind"];
    readonly formId: string | null;
    readonly requestId: string | null;
    readonly status: ApplicationStatus;
    readonly accountHolderId: string | null;
    readonly requestedBy: string;
    readonly createdAt: Date;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO holder_application (ifi_id, environment, fintech_id, application_number, kind, form_id, request_id, content_mac, status,
       account_holder_id, answer_sealed, requested_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      ...tenantKey(tenant),
      application.applicationNumber,
      application.kind,
      application.formId,
      application.requestId,
      application.contentMac,
      application.status,
      application.accountHolderId,
      application.answerSealed,
      application.requestedBy,
      application.createdAt,
    ],
  );
}

/** An application as it stands now, sealed. It equals the first answer until something changes. */
export interface StoredApplication {
  readonly tenant: Tenant;
  readonly applicationNumber: string;
  readonly status: ApplicationStatus;
  readonly sealed: Buffer;
  readonly isFirstAnswer: boolean;
}

interface ApplicationRow {
  ifi_id: string;
  environment: Tenant["environment"];
  fintech_id: string;
  application_number: string;
  status: ApplicationStatus;
  answer_sealed: Buffer;
  current_sealed: Buffer | null;
}
const columns = "ifi_id, environment, fintech_id, application_number, status, answer_sealed, current_sealed";

function toStored(row: ApplicationRow): StoredApplication {
  return {
    tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id } as Tenant,
    applicationNumber: row.application_number,
    status: row.status,
    sealed: row.current_sealed ?? row.answer_sealed,
    isFirstAnswer: row.current_sealed === null,
  };
}

/** One of the tenant's applications. When it is to be changed, it is locked until the transaction ends. */
export async function findApplication(
  tx: Queryable,
  tenant: Tenant,
  applicationNumber: string,
  { lock }: { readonly lock: boolean },
): Promise<StoredApplication | undefined> {
  const [row] = await tx.query<ApplicationRow>(
    `SELECT ${columns} FROM holder_application WHERE ${ofTenant} AND application_number = $4 ${lock ? "FOR NO KEY UPDATE" : ""}`,
    [...tenantKey(tenant), applicationNumber],
  );
  return row && toStored(row);
}

/** The tenant of an application, for the Fusion team; application numbers are unique over all tenants. */
export async function findTenantOfApplication(
  tx: Queryable,
  applicationNumber: string,
): Promise<Tenant | undefined> {
  const [row] = await tx.query<{ ifi_id: string; environment: string; fintech_id: string }>(
    "SELECT ifi_id, environment, fintech_id FROM holder_application WHERE application_number = $1",
    [applicationNumber],
  );
  return row && ({ ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id } as Tenant);
}

/** Newest first. */
export async function selectApplications(
  tx: Queryable,
  tenant: Tenant,
  query: { readonly status: ApplicationStatus | undefined; readonly offset: number; readonly limit: number },
): Promise<StoredApplication[]> {
  const rows = await tx.query<ApplicationRow>(
    `SELECT ${columns} FROM holder_application WHERE ${ofTenant} AND ($4::text IS NULL OR status = $4)
     ORDER BY application_number DESC OFFSET $5 LIMIT $6`,
    [...tenantKey(tenant), query.status ?? null, query.offset, query.limit],
  );
  return rows.map(toStored);
}

export async function updateApplicationRow(
  tx: Queryable,
  tenant: Tenant,
  application: HolderApplication,
  sealed: Buffer,
  decided?: { readonly at: Date; readonly by: string },
): Promise<void> {
  await tx.query(
    `UPDATE holder_application SET status = $5, account_holder_id = $6, current_sealed = $7, updated_at = $8,
       decided_at = coalesce($9, decided_at), decided_by = coalesce($10, decided_by)
     WHERE ${ofTenant} AND application_number = $4`,
    [
      ...tenantKey(tenant),
      application.applicationNumber,
      application.status,
      application.accountHolderId,
      sealed,
      application.updatedAt,
      decided?.at ?? null,
      decided?.by ?? null,
    ],
  );
}
