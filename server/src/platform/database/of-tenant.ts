import type { Tenant } from "../ids.ts";

/** Selects the rows of the tenant whose {@link tenantKey} is the first three values of the statement. */
export const ofTenant = "ifi_id = $1 AND environment = $2 AND fintech_id = $3";

/** A tenant's key, in the order of the columns that begin the key of each of its tables. */
export function tenantKey({ ifiId, environment, fintechId }: Tenant): [string, string, string] {
  return [ifiId, environment, fintechId];
}
