import { dataScopeOf } from "../access/data-scope.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { listAuditEntries, type RecordedEntry } from "../audit/list-entries.ts";
import { getApplicationFor, type ReachableApplication } from "../fintechs/find-application.ts";
import type { Database } from "../platform/database/database.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { getEndpointFor, type ReachableEndpoint } from "./endpoint-access.ts";
import { type Endpoint, listEndpointRows } from "./endpoint-store.ts";

const historyMax = 20;

/** An application's endpoints, oldest first, for anyone who may see the application. Throws `not_found`. */
export async function listEndpoints(
  { db }: { readonly db: Database },
  principal: UserPrincipal,
  applicationId: ApplicationId,
): Promise<{ readonly application: ReachableApplication; readonly endpoints: readonly Endpoint[] }> {
  return db.transaction(dataScopeOf(principal), async (tx) => ({
    application: await getApplicationFor(tx, principal, applicationId),
    endpoints: await listEndpointRows(tx, applicationId),
  }));
}

/** One endpoint with what people did to it, latest first. Throws `not_found`. */
export async function getEndpoint(
  { db }: { readonly db: Database },
  principal: UserPrincipal,
  endpointId: string,
): Promise<ReachableEndpoint & { readonly history: readonly RecordedEntry[] }> {
  return db.transaction(dataScopeOf(principal), async (tx) => ({
    ...(await getEndpointFor(tx, principal, endpointId)),
    history: await listAuditEntries(tx, { kind: "webhook-endpoint", id: endpointId }, historyMax),
  }));
}
