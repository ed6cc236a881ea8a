import type { PolicyRules } from "@fusion/contract/fusion/holder-services.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { Environment, IfiId } from "../platform/ids.ts";

// SQL on the limits of KYC levels. Private to the room; `read_limits` in migration 0212 reads them for a batch.

interface Bank {
  readonly ifiId: IfiId;
  readonly environment: Environment;
}

export async function upsertKycLimit(
  tx: Queryable,
  { ifiId, environment, kycStatus }: Bank & { readonly kycStatus: string },
  rules: PolicyRules,
  now: Date,
): Promise<void> {
  await tx.query(
    `INSERT INTO kyc_limit (ifi_id, environment, kyc_status, rules, updated_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (ifi_id, environment, kyc_status) DO UPDATE SET rules = excluded.rules, updated_at = excluded.updated_at`,
    [ifiId, environment, kycStatus, JSON.stringify(rules), now],
  );
}

export async function deleteKycLimit(
  tx: Queryable,
  { ifiId, environment, kycStatus }: Bank & { readonly kycStatus: string },
): Promise<void> {
  await tx.query("DELETE FROM kyc_limit WHERE ifi_id = $1 AND environment = $2 AND kyc_status = $3", [
    ifiId,
    environment,
    kycStatus,
  ]);
}

export function selectKycLimits(
  tx: Queryable,
  { ifiId, environment }: Bank,
): Promise<{ readonly kycStatus: string; readonly rules: PolicyRules }[]> {
  return tx.query(
    `SELECT kyc_status AS "kycStatus", rules FROM kyc_limit WHERE ifi_id = $1 AND environment = $2 ORDER BY kyc_status`,
    [ifiId, environment],
  );
}
