import type { EventName, testEventName } from "@fusion/contract/webhooks.ts";
import { type PostedTransfer, transferIdOf } from "../ledger/posted-transfer.ts";
import type { IdPrefix, Tenant } from "../platform/ids.ts";
import { base62Alphabet, type Random, randomBase62 } from "../platform/random.ts";

/** What an event says besides its name: the object it is about, that object's state now, and the facts. */
export interface EventContent {
  /** The application whose endpoints alone hear of it; without one, all of the tenant's do. */
  readonly applicationId?: string;
  /** Path under which the object can be read: in the Fusion API, or in the console where that has none. */
  readonly uri: string;
  readonly state: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const dataMaxBytes = 2_048;
/**
 * Facts of a transfer that are dropped, in this order, when they are too long. The longest requestID leaves room for the others, together
 * with the transferID that contains it.
 */
const droppable = ["attributes", "remarks", "transferCode", "requestID"];

/**
 * `evt_` and 20 base62 characters: 8 of the time in milliseconds, 12 that nobody can guess. Events made at one time lie together in the
 * indexes of events and deliveries, which costs the database half as much as finding a place for each.
 */
export function newEventId(random: Random, now: Date): string {
  let time = "";
  for (
    let left = now.getTime();
    time.length < timeCharacters;
    left = Math.floor(left / base62Alphabet.length)
  )
    time = `${base62Alphabet[left % base62Alphabet.length]}${time}`;
  return `${"evt" satisfies IdPrefix}_${time}${randomBase62(random, 20 - timeCharacters)}`;
}

const timeCharacters = 8;

/** The body of a delivery (wire contract, section 11), made once for an event. */
export function eventBody(event: {
  readonly eventId: string;
  readonly name: EventName | typeof testEventName;
  readonly content: EventContent;
  readonly tenant: Tenant;
  readonly occurredAt: Date;
  /** The origin of the API, without a trailing slash. */
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

/** A transfer in the form in which the Fusion API returns it. */
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

/**
 * Shortens the data to the 2 KB that the contract allows. Facts of any length go first, and the event says so; the object can be read at
 * `source.uri`.
 */
function shortened(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  let kept: Record<string, unknown> = { ...data };
  for (const key of droppable) {
    if (Buffer.byteLength(JSON.stringify(kept)) <= dataMaxBytes) break;
    const { [key]: _dropped, ...rest } = kept;
    kept = { ...rest, truncated: true };
  }
  return kept;
}
