import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Identity, IdentityKind } from "./identity.ts";

// SQL on who has claimed which identity, in a bank and environment, over all fintechs. Private to the room.

/**
 * Takes, until the transaction ends, one advisory lock for each name, in the order of their keys, so that two submissions never wait for
 * each other in a circle. What is decided on must be read in a later statement, whose snapshot is younger than the locks.
 */
export async function lockNames(tx: Queryable, names: readonly string[]): Promise<void> {
  await tx.query(
    `SELECT pg_advisory_xact_lock(key) FROM (
       SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest($1::text[]) AS name ORDER BY key) AS keys`,
    [names],
  );
}

/**
 * Takes the locks of {@link lockNames} for whoever decides about these identities: for each of them, for each holder who has one of them already
 * or is among `holders`, and for `names`, all in one order. What a holder has claimed changes only under the holder's lock.
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
         SELECT $2::text || claim.account_holder_id FROM account_holder_identity claim
         JOIN unnest($5::text[], $6::bytea[]) AS wanted (kind, lookup) ON claim.kind = wanted.kind AND claim.lookup = wanted.lookup
         WHERE claim.ifi_id = $3 AND claim.environment = $4) AS named
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

/** Every claim of every holder who has one of these identities, in the bank and environment, whichever fintech submitted it. */
export async function listClaimsOfHoldersWith(
  tx: Queryable,
  tenant: Tenant,
  identities: readonly Identity[],
): Promise<Claim[]> {
  const rows = await tx.query<{ kind: IdentityKind; lookup: Buffer; account_holder_id: string }>(
    `SELECT kind, lookup, account_holder_id FROM account_holder_identity
     WHERE ifi_id = $1 AND environment = $2 AND account_holder_id IN (
       SELECT claim.account_holder_id FROM account_holder_identity claim
       JOIN unnest($3::text[], $4::bytea[]) AS wanted (kind, lookup) ON claim.kind = wanted.kind AND claim.lookup = wanted.lookup
       WHERE claim.ifi_id = $1 AND claim.environment = $2)`,
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

/** What the holder has claimed, whichever fintech submitted it. */
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
