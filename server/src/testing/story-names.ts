import { createHash } from "node:crypto";

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** `<time>_<number>_<ledgerID of the account>` */
const postingId = /^\d{17}_\d+_(\d+)$/;
/** `<time>_<number>_<requestID>` */
const transferId = /^\d{17}_\d+_(.+)$/;

/**
 * Translates between a run's names and those of the examples' story. Ids that the story does not name get one that depends only on where
 * they first appear; times become one instant, each in its own format. Anything in another form stays unchanged, and so shows.
 */
export function createStoryNames(): {
  /** From here on the run's `real` appears in the story as `told`. */
  name(real: string, told: string): void;
  /** Puts the run's ids into a text of the story (a command, an address). */
  toReal(text: string): string;
  /** Turns an answer of the run into the story's. */
  toTold(answer: unknown, place: string): unknown;
} {
  const toldOf = new Map<string, string>();
  const realOf = new Map<string, string>();
  const name = (real: string, told: string): void => {
    if (typeof real !== "string" || real === "") throw new Error(`nothing there to call ${told}`);
    toldOf.set(real, told);
    realOf.set(told, real);
  };
  let place = "";
  let met = 0;
  /** The name of `real`, or one made from a hash of the place where it first appears. */
  const tellId = (real: string, make: (hash: string) => string): string => {
    if (!toldOf.has(real)) {
      met += 1;
      toldOf.set(real, make(createHash("sha256").update(`${place} ${met}`).digest("hex")));
    }
    return toldOf.get(real) ?? real;
  };
  const tellText = (text: string): string => {
    if (toldOf.has(text)) return toldOf.get(text) ?? text;
    const [, requestId] = transferId.exec(text) ?? [];
    if (requestId !== undefined)
      return tellId(text, (hash) => `20261124053000000_${digits(hash, 3)}_${requestId}`);
    return text
      .replaceAll(uuid, (id) => tellId(id, uuidOf))
      .replace(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30$/, "2026-11-24T11:00:00.000+05:30")
      .replace(/^[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M$/, "Nov 24, 2026 11:00:00 AM")
      .replace(/^req_\w+$/, "req_4fTz0d1QmX9bYc7LrWaE");
  };
  const tellLedgerId = (number: string): string => tellId(number, (hash) => digits(hash, 12));
  const tell = (value: unknown, key = ""): unknown => {
    if (typeof value === "string") {
      const [, ledgerId] = postingId.exec(value) ?? [];
      if (ledgerId !== undefined && (key === "transactionID" || key === "lastTransactionID"))
        return tellId(value, (hash) => `20261124053000000_${digits(hash, 3)}_${tellLedgerId(ledgerId)}`);
      if (key === "applicationID")
        return /^\d+$/.test(value) ? tellId(value, (hash) => digits(hash, 7)) : value;
      if (key === "productID")
        return value.replace(/^\d{19}$/, "4301955000979000001").replace(/^[0-9a-f]{8}$/, "5c1d9e07");
      return tellText(value);
    }
    if (key === "ledgerID") return Number(tellLedgerId(String(value)));
    if (key === "timestamp" && Number.isSafeInteger(value) && (value as number) > 1.7e12)
      return 1795498200000;
    if (Array.isArray(value)) return value.map((entry) => tell(entry));
    if (typeof value !== "object" || value === null) return value;
    if (isDateTimeParts(value))
      return { date: { year: 2026, month: 11, day: 24 }, time: { hour: 11, minute: 0, second: 0, nano: 0 } };
    return Object.fromEntries(
      Object.entries(value).map(([inner, entry]) => [tellText(inner), tell(entry, inner)]),
    );
  };
  return {
    name,
    toReal(text) {
      let real = text;
      for (const [told, id] of realOf) real = real.replaceAll(told, id);
      return real;
    },
    toTold(answer, where) {
      place = where;
      met = 0;
      return tell(answer);
    },
  };
}

function isDateTimeParts(value: object): boolean {
  const shape = (part: unknown): string => Object.keys(part ?? {}).join();
  const { date, time } = value as { date?: unknown; time?: unknown };
  return (
    shape(value) === "date,time" &&
    shape(date) === "year,month,day" &&
    shape(time) === "hour,minute,second,nano"
  );
}

function uuidOf(hash: string): string {
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** A number with this many digits, the first not 0. */
function digits(hash: string, count: number): string {
  const lowest = 10n ** BigInt(count - 1);
  return String(lowest + (BigInt(`0x${hash}`) % (lowest * 9n)));
}
