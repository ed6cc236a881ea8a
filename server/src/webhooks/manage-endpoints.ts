import { isDeepStrictEqual } from "node:util";
import {
  EventName,
  endpointsMax,
  type RotateWebhookSecret,
  type WebhookEndpointSettings,
} from "@fusion/contract/webhooks.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { requireRecentPresence } from "../access/recent-presence.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import { getApplicationToManage } from "../fintechs/find-application.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database, Transaction } from "../platform/database/database.ts";
import { assert } from "../platform/errors.ts";
import { type ApplicationId, newId } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import type { Random } from "../platform/random.ts";
import { getEndpointToManage } from "./endpoint-access.ts";
import {
  type Endpoint,
  findEndpoint,
  insertEndpoint,
  listEndpointRows,
  lockEndpointsOf,
  markDeleted,
  markDisabled,
  markEnabled,
  replaceSecret,
  replaceSettings,
} from "./endpoint-store.ts";
import { type AddressPolicy, readEndpointUrl } from "./endpoint-url.ts";
import { WebhookLimitReached, WebhookUrlTaken } from "./errors.ts";
import { generateWebhookSecret } from "./signature.ts";

export interface ManageDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly policy: AddressPolicy;
}

/**
 * Adds an endpoint to an application. Only this answer contains its secret. For people who may manage the application and, in live, have
 * just proven presence: an endpoint hears of all the fintech's money. Audited.
 *
 * Throws `not_found`, `role_insufficient`, `step_up_required`, `webhook_url_refused`, `webhook_url_taken`, `webhook_limit_reached`.
 */
export async function addEndpoint(
  deps: ManageDeps,
  principal: UserPrincipal,
  input: WebhookEndpointSettings & { readonly applicationId: ApplicationId; readonly requestId?: string },
): Promise<{ readonly endpoint: Endpoint; readonly secret: string }> {
  return transactionOf(deps, principal, async (tx) => {
    const { tenant } = await getApplicationToManage(tx, principal, input.applicationId);
    if (tenant.environment === "live") requireRecentPresence(principal, deps.clock);
    const url = readEndpointUrl(input.url, deps.policy).href;
    const events = inOneOrder(input.events);
    await lockEndpointsOf(tx, input.applicationId);
    const existing = await listEndpointRows(tx, input.applicationId);
    if (existing.length >= endpointsMax) throw new WebhookLimitReached(endpointsMax);
    const endpointId = newId<string>(deps.random, "whk");
    const secret = generateWebhookSecret(deps.random);
    const written = await insertEndpoint(tx, {
      endpointId,
      tenant,
      applicationId: input.applicationId,
      url,
      events,
      secret: deps.keys.seal("webhook-secret", secret, endpointId),
      createdAt: deps.clock.now(),
      createdByName: principal.name,
    });
    if (!written) throw new WebhookUrlTaken();
    await audit(deps, tx, principal, { endpointId, tenant, ...input }, "added", { url, events });
    return { endpoint: await reread(tx, endpointId), secret };
  });
}

/**
 * Changes an endpoint's address and events. Its secret stays, and what waits for it goes to the new address. Rights, presence and audit are
 * as for adding, since whoever listens at the new address gains as much. Setting the same again changes nothing.
 *
 * Throws `not_found`, `role_insufficient`, `step_up_required`, `webhook_url_refused`, `webhook_url_taken`.
 */
export async function editEndpoint(
  deps: ManageDeps,
  principal: UserPrincipal,
  input: WebhookEndpointSettings & { readonly endpointId: string; readonly requestId?: string },
): Promise<Endpoint> {
  return transactionOf(deps, principal, async (tx) => {
    const { endpoint } = await getEndpointToManage(tx, principal, input.endpointId);
    const { endpointId, applicationId } = endpoint;
    if (endpoint.tenant.environment === "live") requireRecentPresence(principal, deps.clock);
    const url = readEndpointUrl(input.url, deps.policy).href;
    const events = inOneOrder(input.events);
    const before = { url: endpoint.url, events: endpoint.events };
    if (isDeepStrictEqual(before, { url, events })) return endpoint;
    await lockEndpointsOf(tx, applicationId);
    const others = await listEndpointRows(tx, applicationId);
    if (others.some((other) => other.url === url && other.endpointId !== endpointId))
      throw new WebhookUrlTaken();
    await replaceSettings(tx, endpointId, { url, events });
    await audit(deps, tx, principal, { ...endpoint, ...input }, "edited", { url, events, before });
    return reread(tx, endpointId);
  });
}

/**
 * Gives the endpoint a new secret; during the overlap the one before signs, too. Rights, presence and audit are as for adding. A rotation
 * during an overlap replaces the newer secret and keeps the older; one without an overlap ends both.
 */
export async function rotateSecret(
  deps: ManageDeps,
  principal: UserPrincipal,
  input: RotateWebhookSecret & { readonly endpointId: string; readonly requestId?: string },
): Promise<{ readonly endpoint: Endpoint; readonly secret: string }> {
  return transactionOf(deps, principal, async (tx) => {
    const { endpoint } = await getEndpointToManage(tx, principal, input.endpointId);
    if (endpoint.tenant.environment === "live") requireRecentPresence(principal, deps.clock);
    const secret = generateWebhookSecret(deps.random);
    const now = deps.clock.now();
    const overlapUntil =
      input.overlapHours === 0 ? null : new Date(now.getTime() + input.overlapHours * 3_600_000);
    const sealed = deps.keys.seal("webhook-secret", secret, endpoint.endpointId);
    await replaceSecret(tx, endpoint.endpointId, sealed, { now, overlapUntil });
    await audit(deps, tx, principal, { ...endpoint, ...input }, "secret-rotated", {
      overlapHours: input.overlapHours,
    });
    return { endpoint: await reread(tx, endpoint.endpointId), secret };
  });
}

/**
 * Stops or resumes deliveries; setting the same again changes nothing. What was waiting goes out when the endpoint is enabled again, within
 * the seven days for which it is kept.
 */
export async function setEndpointEnabled(
  deps: ManageDeps,
  principal: UserPrincipal,
  input: { readonly endpointId: string; readonly enabled: boolean; readonly requestId?: string },
): Promise<Endpoint> {
  return transactionOf(deps, principal, async (tx) => {
    const { endpoint } = await getEndpointToManage(tx, principal, input.endpointId);
    const changed = input.enabled
      ? await markEnabled(tx, endpoint.endpointId)
      : await markDisabled(tx, endpoint, "person", deps.clock.now());
    if (changed)
      await audit(deps, tx, principal, { ...endpoint, ...input }, input.enabled ? "enabled" : "disabled");
    return reread(tx, endpoint.endpointId);
  });
}

/** Deletes an endpoint for good; its secret becomes useless. */
export async function deleteEndpoint(
  deps: ManageDeps,
  principal: UserPrincipal,
  input: { readonly endpointId: string; readonly requestId?: string },
): Promise<void> {
  await transactionOf(deps, principal, async (tx) => {
    const { endpoint } = await getEndpointToManage(tx, principal, input.endpointId);
    await markDeleted(tx, endpoint.endpointId, deps.clock.now());
    await audit(deps, tx, principal, { ...endpoint, ...input }, "deleted", { url: endpoint.url });
  });
}

/** The same events always in the same order, so that an edit which names them in another changes nothing. */
function inOneOrder(events: readonly EventName[]): EventName[] {
  return EventName.options.filter((name) => events.includes(name));
}

async function reread(tx: Transaction, endpointId: string): Promise<Endpoint> {
  const endpoint = await findEndpoint(tx, endpointId);
  assert(endpoint, "an endpoint is there after it was changed");
  return endpoint;
}

async function audit(
  deps: ManageDeps,
  tx: Transaction,
  principal: UserPrincipal,
  about: Pick<Endpoint, "endpointId" | "tenant" | "applicationId"> & { readonly requestId?: string },
  what: "added" | "edited" | "secret-rotated" | "enabled" | "disabled" | "deleted",
  details: Record<string, unknown> = {},
): Promise<void> {
  const { tenant, applicationId } = about;
  await recordAudit(tx, deps, principal, {
    action: `webhook-endpoint.${what}`,
    object: { kind: "webhook-endpoint", id: about.endpointId },
    fintech: tenant,
    details: { ...details, applicationId, environment: tenant.environment },
    requestId: about.requestId,
  });
}
