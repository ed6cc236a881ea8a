import type { Clock } from "../clock.ts";
import { networkOf } from "../ip-network.ts";
import { RateLimited } from "./request-errors.ts";
import { routedPath } from "./routed-path.ts";
import type { HttpServer, UnroutedGuard } from "./server.ts";

export interface Rate {
  /** The sustained rate, per second. */
  readonly perSecond: number;
  /** How many at once after a pause. */
  readonly burst: number;
}

export interface RateLimit extends Rate {
  /** Paths that start with this are counted together. */
  readonly prefix: string;
}

/** Takes one call from this key's share, or returns how many seconds until there is room. */
export type TakeCall = (key: string) => number | undefined;

interface Bucket {
  tokens: number;
  at: number;
}

/** Keys remembered at a time. A forgotten key starts with a full bucket. */
const bucketsMax = 50_000;

/**
 * Limits requests per client (an IPv4 address, an IPv6 network) in this process's memory: a brake on one busy or broken caller, generous
 * for all others. Limits that guard secrets (codes, passwords) are counted in the database instead.
 */
export function limitRates(
  http: HttpServer,
  { clock }: { clock: Clock },
  limits: readonly RateLimit[],
): void {
  const all = limits.map((limit) => ({ limit, take: limitCalls(clock, limit) }));
  const refuse: UnroutedGuard = ({ url, ip }) => {
    const path = routedPath(url);
    const found = all.find(({ limit }) => path.startsWith(limit.prefix));
    const waitSeconds = found?.take(networkOf(ip));
    return waitSeconds ? new RateLimited(Math.ceil(waitSeconds), "from this address") : undefined;
  };
  // With a callback, like all hooks that every request passes: a promise costs more than the work.
  http.addHook("onRequest", (request, _reply, done) => done(refuse(request)));
  http.unroutedGuards.push(refuse);
}

/**
 * A token bucket for each key, in this process's memory. Keys that called lately are in the younger of two maps. When that is full, the
 * older map is dropped, so the keys that were silent longest go first without being searched for.
 */
export function limitCalls(clock: Clock, { perSecond, burst }: Rate): TakeCall {
  let younger = new Map<string, Bucket>();
  let older = new Map<string, Bucket>();
  return (key) => {
    const now = clock.monotonicMs();
    let bucket = younger.get(key);
    if (!bucket) {
      bucket = older.get(key) ?? { tokens: burst, at: now };
      if (younger.size >= bucketsMax / 2) {
        older = younger;
        younger = new Map();
      }
      younger.set(key, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
    bucket.at = now;
    if (bucket.tokens < 1) return (1 - bucket.tokens) / perSecond;
    bucket.tokens -= 1;
    return undefined;
  };
}
