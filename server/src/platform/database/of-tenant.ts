import type { Tenant } from "../ids.ts";

/** Picks the rows of the tenant whose {@link tenantKey} is the first three values of the statement. */
export const ofTenant = "ifi_id = $1 AND environment = $2 AND fintech_id = $3";

/** A tenant in the order of the columns with which the key of each of its tables begins. */
export function tenantKey({ ifiId, environment, fintechId }: Tenant): [string, string, string] {
  return [ifiId, environment, fintechId];
}
