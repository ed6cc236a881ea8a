import type { UserPrincipal } from "../access/principal.ts";
import {
  findApplicationFor,
  type ReachableApplication,
  requireManage,
} from "../fintechs/find-application.ts";
import type { Transaction } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import { type Endpoint, findEndpoint, lockEndpoint } from "./endpoint-store.ts";

export interface ReachableEndpoint {
  readonly endpoint: Endpoint;
  readonly application: ReachableApplication;
}

/**
 * The endpoint, and the application through which the person may see it. Throws {@link NotFound} for somebody else's, as for one that does
 * not exist.
 */
export async function getEndpointFor(
  tx: Transaction,
  principal: UserPrincipal,
  endpointId: string,
): Promise<ReachableEndpoint> {
  return reach(tx, principal, await findEndpoint(tx, endpointId));
}

/** {@link getEndpointFor} for a person who changes the endpoint: locks it. Throws `role_insufficient` for one who may only look. */
export async function getEndpointToManage(
  tx: Transaction,
  principal: UserPrincipal,
  endpointId: string,
): Promise<ReachableEndpoint> {
  const found = await reach(tx, principal, await lockEndpoint(tx, endpointId));
  requireManage(found.application);
  return found;
}

async function reach(
  tx: Transaction,
  principal: UserPrincipal,
  endpoint: Endpoint | undefined,
): Promise<ReachableEndpoint> {
  const application = endpoint && (await findApplicationFor(tx, principal, endpoint.applicationId));
  if (!application) throw new NotFound("There is no such endpoint.");
  return { endpoint, application };
}
