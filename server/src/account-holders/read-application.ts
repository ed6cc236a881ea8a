import type { Queryable, Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import { findApplication, selectApplications, updateApplicationRow } from "./application-store.ts";
import { ApplicationNotUpdated, ApprovedApplicationFixed, HolderApplicationNotFound } from "./errors.ts";
import {
  type ApplicationStatus,
  type HolderApplication,
  type Individual,
  isApplicationNumber,
} from "./individual.ts";
import type { ProvisionDependencies } from "./provision-holder.ts";
import { openStored, sealCurrent } from "./sealed-application.ts";

/** As it stands now. Throws {@link HolderApplicationNotFound} for another fintech's, and for what is no number at all. */
export async function getApplication(
  { keys }: { readonly keys: Keys },
  db: Queryable,
  tenant: Tenant,
  applicationNumber: string,
): Promise<HolderApplication> {
  const stored = isApplicationNumber(applicationNumber)
    ? await findApplication(db, tenant, applicationNumber, { lock: false })
    : undefined;
  if (!stored) throw new HolderApplicationNotFound();
  return openStored(keys, stored);
}

/** The tenant's applications, newest first. Pages start at 1. */
export async function listApplications(
  { keys }: { readonly keys: Keys },
  db: Queryable,
  tenant: Tenant,
  query: {
    readonly status?: ApplicationStatus | undefined;
    readonly pageNumber: number;
    readonly pageSize: number;
  },
): Promise<HolderApplication[]> {
  const stored = await selectApplications(db, tenant, {
    status: query.status,
    offset: (query.pageNumber - 1) * query.pageSize,
    limit: query.pageSize,
  });
  return stored.map((one) => openStored(keys, one));
}

/** What may be changed before the bank has decided (wire contract, section 4.5). An undefined field stays as it is. */
export type ApplicationChanges = {
  readonly [Key in
    | "salutation"
    | "firstName"
    | "middleName"
    | "lastName"
    | "mothersMaidenName"
    | "profilePicUrl"
    | "gender"
    | "dateOfBirth"]: Individual[Key] | undefined;
};

/** What an application for another KYC level says in the holder's own words (`submitUpgrade`). An approval changes none of it. */
const holdersOwn = ["salutation", "firstName", "middleName", "lastName", "profilePicUrl", "gender"] as const;

/**
 * Changes what a pending application says, so that the bank decides on correct content. Throws {@link HolderApplicationNotFound}
 * (AR4000014), {@link ApprovedApplicationFixed} (AR4000015), {@link ApplicationNotUpdated} (AR4000016) for a rejected one, when there is
 * nothing to change, and for another name, picture or gender in an application for another KYC level: the bank would give the level to
 * somebody whom the holder is not.
 */
export async function updateApplication(
  deps: ProvisionDependencies,
  tx: Transaction,
  tenant: Tenant,
  applicationNumber: string,
  changes: ApplicationChanges,
): Promise<HolderApplication> {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  return changePending(deps, tx, tenant, applicationNumber, (application) => {
    if (Object.keys(given).length === 0) throw new ApplicationNotUpdated("the request changes nothing");
    const { kind, individual } = application;
    if (
      kind === "KYC_UPGRADE" &&
      holdersOwn.some((key) => (changes[key] ?? individual[key]) !== individual[key])
    )
      throw new ApplicationNotUpdated("names, picture and gender are those of the account holder there is");
    return { ...application, individual: { ...individual, ...given } };
  });
}

/**
 * Changes an application on which the bank has not decided, locked until the transaction ends. Throws what {@link updateApplication}
 * throws.
 */
export async function changePending(
  { keys, clock }: ProvisionDependencies,
  tx: Transaction,
  tenant: Tenant,
  applicationNumber: string,
  change: (application: HolderApplication) => HolderApplication,
): Promise<HolderApplication> {
  const stored = isApplicationNumber(applicationNumber)
    ? await findApplication(tx, tenant, applicationNumber, { lock: true })
    : undefined;
  if (!stored) throw new HolderApplicationNotFound();
  if (stored.status === "APPROVED") throw new ApprovedApplicationFixed();
  if (stored.status === "REJECTED") throw new ApplicationNotUpdated("it was rejected, which is final");
  const updated = { ...change(openStored(keys, stored)), updatedAt: clock.now().toISOString() };
  await updateApplicationRow(tx, tenant, updated, sealCurrent(keys, updated));
  return updated;
}
