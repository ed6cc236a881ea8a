import type { Clock } from "../clock.ts";
import { networkOf } from "../ip-network.ts";
import { RateLimited } from "./request-errors.ts";
import { routedPath } from "./routed-path.ts";
import type { HttpServer, UnroutedGuard } from "./server.ts";

export interface Rate {
  /** How many a second, for as long as one likes. */
  readonly perSecond: number;
  /** How many at once after a pause. */
  readonly burst: number;
}

export interface RateLimit extends Rate {
  /** Paths that start so count together. */
  readonly prefix: string;
}

/** Takes one call of this key's share, or says how many seconds until there is room. */
export type TakeCall = (key: string) => number | undefined;

interface Bucket {
  tokens: number;
  at: number;
}

/** Keys remembered at a time. Whoever is forgotten starts with a full bucket. */
const bucketsMax = 50_000;

/**
 * Limits requests per client (an IPv4 address, an IPv6 network) in this process's memory: a brake on one busy or broken caller, generous for all others. Limits that
 * guard secrets (codes, passwords) are counted in the database instead.
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
  // With a callback, as all hooks that every request passes: a promise costs more than what they do.
  http.addHook("onRequest", (request, _reply, done) => done(refuse(request)));
  http.unroutedGuards.push(refuse);
}

/**
 * A token bucket for each key, in this process's memory. Those that called lately are in the younger of two maps; when that is full the older
 * one is forgotten, so that those silent longest go first and nobody looks for them.
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
