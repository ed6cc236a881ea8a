import type { TokenPrincipal } from "../access/principal.ts";
import { recordAudit } from "../audit/record.ts";
import { getTenantAccount } from "../ledger/read-accounts.ts";
import type { Clock } from "../platform/clock.ts";
import type { Queryable, Transaction } from "../platform/database/database.ts";
import { isUuid, type Tenant } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { recordEvent } from "../webhooks/record-event.ts";
import type { ResourceWithFormFactors } from "./bundle.ts";
import { findResource, selectResourcesOfHolder, updateTarget } from "./bundle-store.ts";
import { ResourceNotFound } from "./errors.ts";
import { resourceContent } from "./instrument-events.ts";

/** Throws {@link ResourceNotFound} for another fintech's payment instrument, and for what is no id at all. */
export async function getResource(
  tx: Queryable,
  tenant: Tenant,
  resourceId: string,
): Promise<ResourceWithFormFactors> {
  const resource = isUuid(resourceId) ? await findResource(tx, tenant, resourceId.toLowerCase()) : undefined;
  if (!resource) throw new ResourceNotFound();
  return resource;
}

/**
 * Points a payment instrument at another account of the same fintech, even one of another holder (a child's card at the parent's account);
 * audited. Throws {@link ResourceNotFound} and, for the target, `account_not_found`.
 */
export async function setResourceTarget(
  deps: { readonly clock: Clock; readonly random: Random },
  tx: Transaction,
  principal: TokenPrincipal,
  input: { readonly resourceId: string; readonly targetAccountId: string },
): Promise<ResourceWithFormFactors> {
  const { tenant } = principal;
  const { resourceId } = await getResource(tx, tenant, input.resourceId);
  const target = await getTenantAccount(tx, tenant, input.targetAccountId);
  await updateTarget(tx, tenant, resourceId, target.accountId, deps.clock.now());
  await recordAudit(tx, deps, principal, {
    action: "resource.target-set",
    object: { kind: "resource", id: resourceId },
    fintech: { ifiId: tenant.ifiId, fintechId: tenant.fintechId },
    details: { targetAccountId: target.accountId, environment: tenant.environment },
  });
  const changed = await getResource(tx, tenant, resourceId);
  await recordEvent(tx, tenant, {
    name: "RESOURCE_UPDATED",
    content: resourceContent(tenant, changed),
    occurredAt: changed.updatedAt,
  });
  return changed;
}

/** The tenant's payment instruments of a holder, oldest first; empty for a holder that the tenant does not know. Pages start at 1. */
export function listResourcesOfHolder(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  page: { readonly pageNumber: number; readonly pageSize: number },
): Promise<ResourceWithFormFactors[]> {
  return selectResourcesOfHolder(tx, tenant, accountHolderId, {
    offset: (page.pageNumber - 1) * page.pageSize,
    limit: page.pageSize,
  });
}
