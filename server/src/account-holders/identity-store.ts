import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Identity, IdentityKind } from "./identity.ts";

// SQL on claims of identities, in a bank and environment, over all fintechs. Private to the room.

/**
 * Takes one advisory lock for each name until the transaction ends, in the order of their keys, so that two submissions never deadlock.
 * Read what the decision depends on in a later statement, whose snapshot is younger than the locks.
 */
export async function lockNames(tx: Queryable, names: readonly string[]): Promise<void> {
  await tx.query(
    `SELECT pg_advisory_xact_lock(key) FROM (
       SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest($1::text[]) AS name ORDER BY key) AS keys`,
    [names],
  );
}

/**
 * The holders who have claimed one of these identities. It looks up each identity, whatever the planner believes of the table. A planner
 * without statistics on a growing table takes a bank's claims for a single row and compares all with all, which took seconds where there
 * were 300.
 */
const holdersWith = (parameters: {
  readonly ifiId: string;
  readonly environment: string;
  readonly kinds: string;
  readonly lookups: string;
}): string => `(
  SELECT DISTINCT claim.account_holder_id FROM unnest(${parameters.kinds}::text[], ${parameters.lookups}::bytea[]) AS wanted (kind, lookup)
  CROSS JOIN LATERAL (
    SELECT account_holder_id FROM account_holder_identity
    WHERE ifi_id = ${parameters.ifiId} AND environment = ${parameters.environment} AND kind = wanted.kind AND lookup = wanted.lookup
    OFFSET 0) AS claim
  OFFSET 0) AS holder`;

/**
 * Takes the locks of {@link lockNames} for a decision about these identities: for each identity, for each holder who already has one of
 * them or is among `holders`, and for `names`, all in one order. A holder's claims change only under the holder's lock.
 */
export async function lockIdentities(
  tx: Queryable,
  { ifiId, environment }: Tenant,
  identities: readonly Identity[],
  { holders = [], names = [] }: { readonly holders?: readonly string[]; readonly names?: readonly string[] },
): Promise<void> {
  const bank = `${ifiId}/${environment}`;
  await tx.query(
    `SELECT pg_advisory_xact_lock(key) FROM (
       SELECT DISTINCT hashtextextended(name, 0) AS key FROM (
         SELECT unnest($1::text[]) AS name
         UNION ALL
         SELECT $2::text || account_holder_id FROM ${holdersWith({ ifiId: "$3", environment: "$4", kinds: "$5", lookups: "$6" })}) AS named
       ORDER BY key) AS keys`,
    [
      [
        ...identities.map(({ kind, lookup }) => `identity/${bank}/${kind}/${lookup.toString("hex")}`),
        ...holders.map((holder) => `holder/${bank}/${holder}`),
        ...names,
      ],
      `holder/${bank}/`,
      ifiId,
      environment,
      identities.map(({ kind }) => kind),
      identities.map(({ lookup }) => lookup),
    ],
  );
}

export type Claim = Identity & { readonly accountHolderId: string };

/** Every claim of every holder with one of these identities, in the bank and environment, whichever fintech submitted it. */
export async function listClaimsOfHoldersWith(
  tx: Queryable,
  tenant: Tenant,
  identities: readonly Identity[],
): Promise<Claim[]> {
  const rows = await tx.query<{ kind: IdentityKind; lookup: Buffer; account_holder_id: string }>(
    `SELECT claim.kind, claim.lookup, account_holder_id
     FROM ${holdersWith({ ifiId: "$1", environment: "$2", kinds: "$3", lookups: "$4" })}
     CROSS JOIN LATERAL (
       SELECT kind, lookup FROM account_holder_identity known
       WHERE known.ifi_id = $1 AND known.environment = $2 AND known.account_holder_id = holder.account_holder_id OFFSET 0) AS claim`,
    [
      tenant.ifiId,
      tenant.environment,
      identities.map(({ kind }) => kind),
      identities.map(({ lookup }) => lookup),
    ],
  );
  return rows.map((row) => ({
    kind: row.kind,
    lookup: row.lookup,
    accountHolderId: row.account_holder_id,
  }));
}

/** The holder's claims, whichever fintech submitted them. */
export async function listClaimsOfHolder(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<Identity[]> {
  return tx.query<{ kind: IdentityKind; lookup: Buffer }>(
    "SELECT kind, lookup FROM account_holder_identity WHERE ifi_id = $1 AND environment = $2 AND account_holder_id = $3",
    [tenant.ifiId, tenant.environment, accountHolderId],
  );
}

export async function insertClaims(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  identities: readonly Identity[],
  claimedAt: Date,
): Promise<void> {
  await tx.query(
    `INSERT INTO account_holder_identity (ifi_id, environment, kind, lookup, account_holder_id, claimed_at)
     SELECT $1, $2, kind, lookup, $3, $4 FROM unnest($5::text[], $6::bytea[]) AS claim (kind, lookup)`,
    [
      tenant.ifiId,
      tenant.environment,
      accountHolderId,
      claimedAt,
      identities.map(({ kind }) => kind),
      identities.map(({ lookup }) => lookup),
    ],
  );
}
