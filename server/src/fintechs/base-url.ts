import type { Tenant } from "../platform/ids.ts";

/** Where a fintech's programs find the Fusion API, up to and including the IFI id. */
export function baseUrlOf(publicUrl: string, tenant: Pick<Tenant, "ifiId">): string {
  return `${publicUrl}/api/v1/ifi/${tenant.ifiId}`;
}
