import { recordAudit } from "../audit/record.ts";
import { listFintechAdmins } from "../fintechs/contacts.ts";
import { findApplication } from "../fintechs/find-application.ts";
import { allEnded } from "../platform/all-ended.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import type { Keys } from "../platform/keys.ts";
import { nameInSms } from "../platform/messages/name-in-message.ts";
import { countQueued, queueMessage } from "../platform/messages/outgoing-messages.ts";
import type { Random } from "../platform/random.ts";
import { type ClaimedDelivery, claimDeliveries, recordAttempt, releaseDeliveries } from "./delivery-store.ts";
import {
  findSealedEndpoint,
  markDisabled,
  markFailing,
  markWorking,
  restEndpoint,
  type SealedEndpoint,
} from "./endpoint-store.ts";
import type { AddressPolicy } from "./endpoint-url.ts";
import { failingMaxMs, nextTry, restOf } from "./retry-schedule.ts";
import { type Attempt, type ResolveHost, sendWebhook } from "./send-webhook.ts";
import { signatureHeaders } from "./signature.ts";

export interface DeliverDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly resolveHost: ResolveHost;
  readonly policy: AddressPolicy;
  readonly publicUrl: string;
}

/** Deliveries in parallel to one endpoint; an endpoint that fails gets one after the other. */
const atOnce = 4;
/** Longer than an attempt can take. Deliveries that a killed process had claimed are retried after this time. */
const leaseMs = 60_000;
/**
 * Per admin and application, and never two about the same endpoint: the people who manage the application decide how often its endpoints
 * are disabled.
 */
const noticesPerDayMax = 10;

/**
 * Delivers what is due to one endpoint, until nothing is, an attempt fails, or it `makesRoom` for another endpoint. At least once: a
 * delivery is claimed, sent outside any transaction, and recorded. If the process is killed in between, the claim runs out and the delivery
 * is sent again, with the same id and body.
 */
export async function deliverDue(
  deps: DeliverDeps,
  endpointId: string,
  stop: AbortSignal,
  { makesRoom }: { readonly makesRoom: () => boolean },
): Promise<void> {
  let working = true;
  while (working && !stop.aborted && !makesRoom()) {
    const claimed = await claim(deps, endpointId);
    if (!claimed) return;
    const { endpoint, deliveries } = claimed;
    const results = await allEnded(deliveries.map((delivery) => deliver(deps, endpoint, delivery, stop)));
    working = deliveries.length > 0 && results.every((delivered) => delivered);
  }
}

async function claim(
  { db, clock }: DeliverDeps,
  endpointId: string,
): Promise<{ endpoint: SealedEndpoint; deliveries: ClaimedDelivery[] } | undefined> {
  return db.transaction(systemScope, async (tx) => {
    const now = clock.now();
    const endpoint = await findSealedEndpoint(tx, endpointId, now);
    if (!endpoint) return undefined;
    const limit = endpoint.failingSince === null ? atOnce : 1;
    const leaseUntil = new Date(now.getTime() + leaseMs);
    return { endpoint, deliveries: await claimDeliveries(tx, endpointId, { now, leaseUntil, limit }) };
  });
}

/** Returns whether it was delivered. */
async function deliver(
  deps: DeliverDeps,
  endpoint: SealedEndpoint,
  { eventId, body, failures, askedFor, claimedUntil }: ClaimedDelivery,
  stop: AbortSignal,
): Promise<boolean> {
  const { db, clock } = deps;
  const { endpointId } = endpoint;
  const { retryAfter, ...attempt } = await sendWebhook(deps, {
    url: endpoint.url,
    headers: signatureHeaders(secretsOf(deps, endpoint), { id: eventId, at: clock.now(), body }),
    body,
    tryNumber: failures,
    stop,
  });
  if (stop.aborted && attempt.status === null) {
    await db.transaction(systemScope, (tx) => releaseDeliveries(tx, endpointId, [eventId], clock.now()));
    return false;
  }
  const delivered = attempt.error === null;
  await db.transaction(systemScope, async (tx) => {
    const now = clock.now();
    const restMs = delivered ? null : restOf(retryAfter, now);
    // The endpoint before the delivery: a person who asks for a redelivery locks them in the same order.
    if (restMs !== null) await restEndpoint(tx, endpoint, new Date(now.getTime() + restMs));
    if (delivered && endpoint.failingSince !== null) await markWorking(tx, endpoint);
    if (!delivered) await noteFailure(deps, tx, endpoint, { ...attempt, askedFor });
    await recordAttempt(tx, { endpointId, eventId, claimedUntil }, attempt, {
      deliveredAt: delivered ? now : null,
      nextAt: delivered ? null : nextTry(failures + 1, now, lateness(deps.random)),
    });
  });
  return delivered;
}

function secretsOf({ keys, clock }: DeliverDeps, endpoint: SealedEndpoint): [string, string?] {
  const open = (sealed: Buffer): string => keys.open("webhook-secret", sealed, endpoint.endpointId);
  const { previousSecret, previousSecretUntil } = endpoint;
  return previousSecret && previousSecretUntil && clock.now() < previousSecretUntil
    ? [open(endpoint.secret), open(previousSecret)]
    : [open(endpoint.secret)];
}

function lateness(random: Random): number {
  return random.bytes(2).readUInt16BE() / 0xffff;
}

/**
 * Disables the endpoint when it says that it is gone, or when every delivery has failed for three days, and tells the fintech's admins.
 * They are not told when a person who has just asked for the attempt sees that it is gone, nor too often. Does nothing when the endpoint
 * was moved to another address during the attempt.
 */
async function noteFailure(
  deps: DeliverDeps,
  tx: Transaction,
  endpoint: SealedEndpoint,
  attempt: Attempt & Pick<ClaimedDelivery, "askedFor">,
): Promise<void> {
  const now = deps.clock.now();
  const failingSince = await markFailing(tx, endpoint, now);
  if (!failingSince) return;
  const because = attempt.status === 410 ? "gone" : "failing";
  if (because === "failing" && now.getTime() - failingSince.getTime() < failingMaxMs) return;
  if (!(await markDisabled(tx, endpoint, because, now))) return;
  const { tenant, applicationId, endpointId } = endpoint;
  await recordAudit(
    tx,
    deps,
    { kind: "system" },
    {
      action: "webhook-endpoint.disabled",
      object: { kind: "webhook-endpoint", id: endpointId },
      fintech: tenant,
      details: {
        because,
        failingSince: failingSince.toISOString(),
        environment: tenant.environment,
      },
    },
  );
  // The person who asked for the attempt sees its outcome on the page.
  if (because === "gone" && attempt.askedFor) return;
  const application = await findApplication(tx, applicationId);
  const host = new URL(endpoint.url).host;
  const subject = `Webhook to ${host} was disabled`;
  const page = `${deps.publicUrl}/applications/${applicationId}/webhooks/${endpointId}`;
  const text = [
    `${subject}: ${because === "gone" ? "it answered 410 Gone, that it wants no more" : "every delivery has failed for three days"}.`,
    "",
    `Application: ${application?.name ?? applicationId} (${tenant.environment})`,
    `The last failure: ${attempt.error ?? "none"}`,
    "",
    "Nothing is sent to it until somebody enables it again. What waits for it is kept for seven days; what happens from now on is not kept for it.",
    `Its page: ${page}`,
  ].join("\n");
  const sameDay = `webhook-disabled.${applicationId}.${now.toISOString().slice(0, 10)}`;
  for (const admin of await listFintechAdmins(tx, tenant)) {
    const idPrefix = `${sameDay}.${admin.userId}.`;
    const since = new Date(now.getTime() - 24 * 3_600_000);
    if ((await countQueued(tx, { idPrefix, since })) >= noticesPerDayMax) continue;
    await queueMessage(tx, deps, {
      channel: admin.channel,
      to: admin.address,
      subject,
      text: admin.channel === "sms" ? `Webhook to "${nameInSms(host)}" was disabled. ${page}` : text,
      messageId: `${idPrefix}${endpointId}`,
      smsTemplate: "notice",
    });
  }
}
