import { type DeliveryFilter, testEventName } from "@fusion/contract/webhooks.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import { NotFound } from "../platform/errors.ts";
import { askAgain, findDelivery, listDeliveryRows, type StoredDelivery } from "./delivery-store.ts";
import { getEndpointFor, getEndpointToManage } from "./endpoint-access.ts";
import { endRest } from "./endpoint-store.ts";
import { WebhookDisabled } from "./errors.ts";
import { insertEventFor } from "./event-store.ts";
import type { ManageDeps } from "./manage-endpoints.ts";
import { eventBody, newEventId } from "./webhook-event.ts";

type Deps = Pick<ManageDeps, "db" | "clock" | "random">;
interface DeliveryKey {
  readonly endpointId: string;
  readonly eventId: string;
}

/** A delivery as one person sees it. */
export interface ShownDelivery extends Omit<StoredDelivery, "body"> {
  /** Null for the Fusion team. */
  readonly body: string | null;
}

/**
 * What was, or will be, sent to an endpoint, newest first, a page at a time. The Fusion team sees neither what was sent nor the receiver's
 * answers. Both tell of transfers, which it sees only masked and with a record of the look (`oversight`). Throws `not_found`.
 */
export async function listDeliveries(
  { db }: Pick<Deps, "db">,
  principal: UserPrincipal,
  endpointId: string,
  page: { readonly filter: DeliveryFilter; readonly after: string | null; readonly limit: number },
): Promise<{ readonly deliveries: readonly ShownDelivery[]; readonly nextCursor: string | null }> {
  return db.transaction(dataScopeOf(principal), async (tx) => {
    await getEndpointFor(tx, principal, endpointId);
    const rows = await listDeliveryRows(tx, endpointId, { ...page, limit: page.limit + 1 });
    const deliveries = rows.slice(0, page.limit).map((delivery) => shownTo(principal, delivery));
    return {
      deliveries,
      nextCursor: rows.length > page.limit ? (deliveries.at(-1)?.eventId ?? null) : null,
    };
  });
}

/** One delivery with its attempts, shown as by {@link listDeliveries}. Throws `not_found`. */
export async function getDelivery(
  { db }: Pick<Deps, "db">,
  principal: UserPrincipal,
  key: DeliveryKey,
): Promise<ShownDelivery> {
  return db.transaction(dataScopeOf(principal), async (tx) => {
    await getEndpointFor(tx, principal, key.endpointId);
    return shownTo(principal, found(await findDelivery(tx, key)));
  });
}

/**
 * Has an event delivered again, with the same id and body, whatever its outcome so far; one that waits for its next attempt is tried now.
 * Audited. Throws `not_found`, `role_insufficient`, `webhook_disabled`.
 */
export async function redeliver(
  deps: Deps,
  principal: UserPrincipal,
  input: DeliveryKey & { readonly requestId?: string },
): Promise<StoredDelivery> {
  return transactionOf(deps, principal, async (tx) => {
    const { endpoint } = await getEndpointToManage(tx, principal, input.endpointId);
    const { name } = found(await findDelivery(tx, input));
    if (endpoint.disabledAt) throw new WebhookDisabled();
    await askAgain(tx, input, deps.clock.now());
    await endRest(tx, endpoint.endpointId);
    await recordAudit(tx, deps, principal, {
      action: "webhook-endpoint.redelivered",
      object: { kind: "webhook-endpoint", id: endpoint.endpointId },
      fintech: endpoint.tenant,
      details: { eventId: input.eventId, name, environment: endpoint.tenant.environment },
      requestId: input.requestId,
    });
    return found(await findDelivery(tx, input));
  });
}

/**
 * Sends an event without meaning over the real path, signed like any other. Throws `not_found`, `role_insufficient`, `webhook_disabled`.
 */
export async function sendTestEvent(
  deps: Deps & { readonly publicUrl: string },
  principal: UserPrincipal,
  endpointId: string,
): Promise<{ readonly eventId: string }> {
  return transactionOf(deps, principal, async (tx) => {
    const { endpoint } = await getEndpointToManage(tx, principal, endpointId);
    if (endpoint.disabledAt) throw new WebhookDisabled();
    const { tenant } = endpoint;
    const now = deps.clock.now();
    const eventId = newEventId(deps.random, now);
    const body = eventBody({
      eventId,
      name: testEventName,
      content: {
        uri: `/applications/${endpoint.applicationId}/webhooks/${endpointId}`,
        state: "TEST",
        data: { message: `A test event, sent by ${principal.name}. Nothing has happened.` },
      },
      tenant,
      occurredAt: now,
      instance: deps.publicUrl,
    });
    await insertEventFor(tx, endpointId, { tenant, eventId, name: testEventName, body }, now);
    await endRest(tx, endpointId);
    return { eventId };
  });
}

function shownTo(principal: UserPrincipal, delivery: StoredDelivery): ShownDelivery {
  if (principal.fintech !== null) return delivery;
  const attempts = delivery.attempts.map((attempt) => ({ ...attempt, response: null }));
  return { ...delivery, body: null, attempts };
}

function found(delivery: StoredDelivery | undefined): StoredDelivery {
  if (!delivery) throw new NotFound("There is no such delivery; they are kept for seven days.");
  return delivery;
}
