import type { SentKind } from "./call-kind.ts";
import type { TokenCall, UsedToken } from "./token-call.ts";
import type { CallCount, CallKind } from "./usage-store.ts";

/**
 * Distinct callers of one token counted apart in one hour, so that made-up user agents cannot fill the disk. They are forgotten with the
 * token, so a token that memory had to read again may have more.
 */
const callersPerTokenHourMax = 50;
/** Calls of one quarter of an hour share a counter. */
export const quarterHourMs = 15 * 60_000;

/** Counts calls of one kind while it waits to be written. */
export interface Counter extends CallCount {
  readonly token: CountedToken;
  counted: CallKind;
  calls: number;
  firstAtMs: number;
  first: SentKind;
  lastAtMs: number;
  last: SentKind;
  /** A call that it counts, as it was sent; the next call is compared with it. */
  repeats: TokenCall | undefined;
  /** The counters that are written together with it. */
  among: readonly Counter[];
  /** Another counter of the same token. */
  next: Counter | undefined;
}

/**
 * A token that carries its own counters until they are written. Whoever records a call has the token in hand; looking its counters up among
 * those of a million tokens takes longer than all the rest.
 */
export interface CountedToken extends UsedToken {
  counter?: Counter | undefined;
  /** Who called in the hour `callersOf`; a set of texts once there are several. */
  callers?: CallKind | Set<string> | undefined;
  callersOf?: number;
}

/** Whether this caller is one of the token's first in this hour. */
export function isCountedApart(token: CountedToken, caller: CallKind, atMs: number): boolean {
  const hour = Math.floor(atMs / 3_600_000);
  const known = token.callersOf === hour ? token.callers : undefined;
  if (known === undefined) {
    token.callersOf = hour;
    token.callers = caller;
  } else if (known instanceof Set) {
    const name = nameOf(caller);
    if (!known.has(name) && known.size >= callersPerTokenHourMax) return false;
    known.add(name);
  } else if (known.ip !== caller.ip || known.userAgent !== caller.userAgent) {
    token.callers = new Set([nameOf(known), nameOf(caller)]);
  }
  return true;
}

function nameOf({ ip, userAgent }: CallKind): string {
  return `${ip} ${userAgent}`;
}

/** Whether the call only repeats the one that this counter last counted, so that its kind need not be worked out. */
export function isRepeated(
  { repeats, lastAtMs, quarterHourMs: quarter }: Counter,
  call: TokenCall,
  atMs: number,
): boolean {
  return (
    repeats !== undefined &&
    repeats.ip === call.ip &&
    repeats.userAgent === call.userAgent &&
    repeats.outcome === call.outcome &&
    atMs >= lastAtMs &&
    atMs - quarter < quarterHourMs
  );
}

/** The counter that counts what `counter` counts, among `first` and those linked from it. */
export function counterLike(
  { counted, quarterHourMs: quarter }: Counter,
  first: Counter | undefined,
): Counter | undefined {
  const { ip, userAgent, outcome } = counted;
  for (let each = first; each; each = each.next)
    if (
      each.quarterHourMs === quarter &&
      each.counted.outcome === outcome &&
      each.counted.ip === ip &&
      each.counted.userAgent === userAgent
    )
      return each;
  return undefined;
}

/** Adds what one counter counted to another that counts the same. */
export function merge(into: Counter, from: Counter): void {
  into.calls += from.calls;
  into.repeats = from.repeats;
  if (from.firstAtMs < into.firstAtMs) {
    into.firstAtMs = from.firstAtMs;
    into.first = from.first;
  }
  if (from.lastAtMs >= into.lastAtMs) {
    into.lastAtMs = from.lastAtMs;
    into.last = from.last;
  }
}
