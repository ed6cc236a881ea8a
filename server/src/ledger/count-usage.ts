import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { OutcomeUnknown } from "../platform/database/outcome-unknown.ts";
import type { Tenant } from "../platform/ids.ts";
import type { AccountId } from "./account.ts";

/** Whose usage is to be counted: an account's, or that of all accounts that a holder has with the fintech. */
export type Uncounted = { readonly accountId: AccountId } | { readonly accountHolderId: string };

/** How many postings one statement counts, which takes some 0.2 s. */
const stepMax = 20_000;

/**
 * Counts one more step of what was moved in the current periods, and stores it. Returns whether nothing was left to count. An account is
 * locked only while its count is written, not while its postings are read.
 */
export async function countUsageOn(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  tenant: Tenant,
  of: Uncounted,
  { postingsMax = stepMax }: { readonly postingsMax?: number } = {},
): Promise<boolean> {
  const values = [
    tenant.ifiId,
    tenant.environment,
    tenant.fintechId,
    "accountId" in of ? of.accountId : null,
    "accountHolderId" in of ? of.accountHolderId : null,
    clock.now(),
    postingsMax,
  ];
  try {
    const [row] = await db
      .writer({ kind: "tenants", tenants: [tenant] })
      .query<{ isDone: boolean }>(`SELECT count_usage_on($1, $2, $3, $4, $5, $6, $7) AS "isDone"`, values);
    return row?.isDone === true;
  } catch (error) {
    // The next step counts it again, or finds that it is there.
    if (error instanceof OutcomeUnknown) return false;
    throw error;
  }
}
