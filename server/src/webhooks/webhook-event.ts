import type { EventName, testEventName } from "@fusion/contract/webhooks.ts";
import { type PostedTransfer, transferIdOf } from "../ledger/posted-transfer.ts";
import type { Tenant } from "../platform/ids.ts";

/** What an event says beside its name: whom it is about, in which state that now is, and its facts. */
export interface EventContent {
  /** Path of the Fusion API under which the object is read. */
  readonly uri: string;
  readonly state: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const dataMaxBytes = 2_048;

/** The body of a delivery (wire contract, section 11), made once for an event. */
export function eventBody(event: {
  readonly eventId: string;
  readonly name: EventName | typeof testEventName;
  readonly content: EventContent;
  readonly tenant: Tenant;
  readonly occurredAt: Date;
  /** The origin of the API, without a slash at its end. */
  readonly instance: string;
}): string {
  const { eventId, name, content, tenant, occurredAt, instance } = event;
  return JSON.stringify({
    topic: topicOf(name),
    name,
    eventId,
    source: { uri: content.uri, tags: [tenant.environment], state: content.state },
    data: shortened(content.data),
    origin: {
      instance,
      ifiID: Number(tenant.ifiId),
      vboID: tenant.fintechId,
      environment: tenant.environment,
      occurredAt: occurredAt.toISOString(),
    },
  });
}

/** A transfer as the Fusion API answers it. */
export function transferContent(ifiId: string, transfer: PostedTransfer): EventContent {
  const transferID = transferIdOf(transfer);
  return {
    uri: `/api/v1/ifi/${ifiId}/transfers/${encodeURIComponent(transferID)}`,
    state: "SUCCESS",
    data: {
      requestID: transfer.requestId,
      transferID,
      status: "SUCCESS",
      amount: { currency: transfer.currency, amount: Number(transfer.amountMinor) },
      transferCode: transfer.transferCode,
      debitAccountID: transfer.debitAccountId,
      creditAccountID: transfer.creditAccountId,
      timestamp: transfer.postedAt.getTime(),
      remarks: transfer.remarks,
      attributes: transfer.attributes,
    },
  };
}

function topicOf(name: string): string {
  if (name.startsWith("FORM_FACTOR_")) return "form-factor";
  return name.slice(0, name.indexOf("_")).toLowerCase();
}

/** The contract allows 2 KB. What is free in length goes first, and the event says so; the object can be read at `source.uri`. */
function shortened(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  let kept: Record<string, unknown> = { ...data };
  for (const key of ["attributes", "remarks"]) {
    if (Buffer.byteLength(JSON.stringify(kept)) <= dataMaxBytes) break;
    const { [key]: _dropped, ...rest } = kept;
    kept = { ...rest, truncated: true };
  }
  return kept;
}
