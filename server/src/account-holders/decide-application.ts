import type { CommandLinePrincipal } from "../access/principal.ts";
import { recordAudit } from "../audit/record.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { randomUuid } from "../platform/random.ts";
import {
  insertAccountHolder,
  insertVectors,
  listVectors,
  lockAssociation,
  updateKyc,
} from "./account-holder-store.ts";
import { findApplication, findTenantOfApplication, updateApplicationRow } from "./application-store.ts";
import { AccountHolderExists, ApplicationAlreadyDecided, HolderApplicationNotFound } from "./errors.ts";
import { lockIdentities } from "./identity-store.ts";
import { type HolderApplication, isApplicationNumber } from "./individual.ts";
import { conflictsWithHolder } from "./kyc-conflict.ts";
import {
  associateHolder,
  claimIdentities,
  identitiesOf,
  matchHolder,
  type ProvisionDependencies,
  storedVectors,
} from "./provision-holder.ts";
import { openStored, sealCurrent } from "./sealed-application.ts";

export type Decision =
  | { readonly kind: "approve" }
  /** `reason` is for the fintech to read, 1 to 500 characters. */
  | { readonly kind: "reject"; readonly reason: string };

/**
 * Records the bank's final decision on an application that is PROCESSING; audited. After an approval the holder exists, or has the new KYC
 * level. Locks the application first and then its identities; nobody else locks the application while holding identities.
 *
 * Throws {@link HolderApplicationNotFound}; {@link ApplicationAlreadyDecided} (AR400020, AR400021); {@link AccountHolderExists} when an
 * identity became somebody's meanwhile, and then nothing is decided.
 */
export async function decideApplication(
  deps: ProvisionDependencies & { readonly db: Database },
  principal: CommandLinePrincipal,
  { applicationNumber, decision }: { readonly applicationNumber: string; readonly decision: Decision },
): Promise<HolderApplication & { readonly tenant: Tenant }> {
  return deps.db.transaction(systemScope, async (tx) => {
    const tenant = isApplicationNumber(applicationNumber)
      ? await findTenantOfApplication(tx, applicationNumber)
      : undefined;
    const stored = tenant && (await findApplication(tx, tenant, applicationNumber, { lock: true }));
    if (!stored) throw new HolderApplicationNotFound();
    if (stored.status !== "PROCESSING") throw new ApplicationAlreadyDecided(decision.kind, stored.status);
    const application = { ...openStored(deps.keys, stored), updatedAt: deps.clock.now().toISOString() };
    const decided =
      decision.kind === "reject"
        ? ({ ...application, status: "REJECTED", reason: decision.reason } as const)
        : application.kind === "KYC_UPGRADE"
          ? await approveUpgrade(deps, tx, stored.tenant, application, principal)
          : await approveNewHolder(deps, tx, stored.tenant, application, principal);
    if (decided.status === "REJECTED") await record(deps, tx, stored.tenant, decided, principal);
    await recordAudit(tx, deps, principal, {
      action: decision.kind === "approve" ? "holder-application.approved" : "holder-application.rejected",
      object: { kind: "holder-application", id: applicationNumber },
      fintech: stored.tenant,
      details: {
        environment: stored.tenant.environment,
        ...(decision.kind === "reject"
          ? { reason: decision.reason }
          : { accountHolderId: decided.accountHolderId }),
      },
    });
    return { ...decided, tenant: stored.tenant };
  });
}

async function approveNewHolder(
  deps: ProvisionDependencies,
  tx: Transaction,
  tenant: Tenant,
  application: HolderApplication,
  principal: CommandLinePrincipal,
): Promise<HolderApplication> {
  const { individual, vectors } = application;
  const identities = identitiesOf(vectors, deps.keys);
  await lockIdentities(tx, tenant, identities, {});
  const match = await matchHolder(tx, tenant, identities, individual.type);
  if (match.kind === "taken") throw new AccountHolderExists();
  const accountHolderId = match.kind === "existing" ? match.accountHolderId : randomUuid(deps.random);
  if (match.kind === "new")
    await insertAccountHolder(tx, tenant, {
      accountHolderId,
      type: individual.type,
      createdAt: deps.clock.now(),
    });
  const approved = { ...application, status: "APPROVED", accountHolderId } as const;
  await record(deps, tx, tenant, approved, principal);
  await associateHolder(deps, tx, tenant, approved, { kycDecided: true });
  return approved;
}

async function approveUpgrade(
  deps: ProvisionDependencies,
  tx: Transaction,
  tenant: Tenant,
  application: HolderApplication,
  principal: CommandLinePrincipal,
): Promise<HolderApplication> {
  const accountHolderId = application.accountHolderId ?? "";
  const identities = identitiesOf(application.vectors, deps.keys);
  await lockIdentities(tx, tenant, identities, { holders: [accountHolderId] });
  const conflict = await conflictsWithHolder(tx, tenant, accountHolderId, identities);
  if (conflict) throw conflict;
  await lockAssociation(tx, tenant, accountHolderId);
  const now = deps.clock.now();
  await claimIdentities(tx, tenant, accountHolderId, identities, now);
  const known = await listVectors(tx, tenant, accountHolderId);
  const fresh = storedVectors(deps.keys, application.vectors, now).filter(
    (vector) => !known.some((one) => one.type === vector.type && one.lookup.equals(vector.lookup)),
  );
  await insertVectors(tx, tenant, accountHolderId, fresh);
  const { kyc } = application.individual;
  await updateKyc(tx, tenant, accountHolderId, {
    kycStatus: kyc.status,
    kycStatusPostExpiry: kyc.statusPostExpiry,
    kycUpdatedAt: new Date(application.kycUpdatedAt),
    kycExpiresAt: new Date(application.kycExpiresAt),
    kycDecided: true,
  });
  const approved = { ...application, status: "APPROVED" } as const;
  await record(deps, tx, tenant, approved, principal);
  return approved;
}

async function record(
  { keys, clock }: ProvisionDependencies,
  tx: Transaction,
  tenant: Tenant,
  application: HolderApplication,
  { account }: CommandLinePrincipal,
): Promise<void> {
  await updateApplicationRow(tx, tenant, application, sealCurrent(keys, application), {
    at: clock.now(),
    by: account,
  });
}
