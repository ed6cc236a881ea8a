import type { FastifyRequest } from "fastify";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { describeFailure } from "../platform/http/problem.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { ApplicationId, Tenant, TokenId } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { isTold } from "../platform/outage.ts";
import { type Pause, type WriteBehind, writeBehind } from "../platform/write-behind.ts";
import { callerIp, noAddress, plainText, routeOf } from "./call-facts.ts";
import { type CallCount, writeUsage } from "./usage-store.ts";

export interface UsedToken {
  readonly tokenId: TokenId;
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
}

export interface TokenCall {
  readonly ip: string;
  readonly userAgent: string;
  /** Method and route pattern, such as `POST /transfers`. */
  readonly route: string;
  /** `accepted`, or the code with which the token was refused. */
  readonly outcome: string;
}

/**
 * Remembers which token was used, from where and for what, and writes it in batches off the request path: about a second behind, longer
 * only while writing takes long, never waited for, and never a reason for a call to fail. While the database is away it keeps what it can.
 */
export interface UsageRecorder extends WriteBehind {
  /**
   * Says that this request presented this token, and why it is refused if that is known; the outcome is recorded when the answer has gone
   * out ({@link recordTokenUsage}).
   */
  notice(request: FastifyRequest, token: UsedToken, refusal?: string): void;
  record(token: UsedToken, call: TokenCall): void;
}

/** Counters kept between two flushes; beyond it, further callers of a token count together. */
const countersMax = 20_000;
/**
 * Counters written at once. Hundreds of thousands wait when as many tokens are in use, and putting them all into one statement would hold up
 * calls for seconds; so many take some milliseconds.
 */
const writtenAtOnce = 1_000;
/** Distinct callers of one token counted apart in one hour, so that made-up user agents cannot fill the disk. */
const callersPerTokenHourMax = 50;
/** Tokens whose callers of this hour are remembered; beyond it every further caller counts under {@link others}. */
const rememberedTokensMax = 20_000;
const others = { ip: noAddress, userAgent: "others" } as const;
const quarterHourMs = 15 * 60_000;
/** What is known of a request's token. A member of the request, since a weak map of all requests is much slower. */
interface PresentedToken {
  readonly recorder: UsageRecorder;
  readonly token: UsedToken;
  refusal: string | undefined;
}

/** The known token that this request presented, whatever became of it; undefined while none is known. */
export function tokenPresentedBy(request: FastifyRequest): UsedToken | undefined {
  return request.presentedToken?.token;
}

/** Starts a recorder that flushes every `flushIntervalMs` until it is closed. */
export function createUsageRecorder({
  db,
  clock,
  log,
  flushIntervalMs = 1_000,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly flushIntervalMs?: number;
}): UsageRecorder {
  let waiting = new Map<TokenId, Counter[]>();
  let counters = 0;
  let callers = new Map<TokenId, Set<string>>();
  let callersOf = 0; // The hour that `callers` is about.

  /** Adds to the counter of this caller, or to that of all others of the token when there are too many; yields the counter. */
  const add = (count: CallCount): Counter => {
    let ofToken = waiting.get(count.tokenId);
    if (!ofToken) {
      ofToken = [];
      waiting.set(count.tokenId, ofToken);
    }
    let counter = ofToken.find((each) => countsTogether(each, count));
    if (!counter && counters >= countersMax) {
      // One such counter per live token and outcome is still bounded, by the tokens there are.
      count = { ...count, ...others };
      counter = ofToken.find((each) => countsTogether(each, count));
    }
    if (!counter) {
      counter = { ...count, asSent: undefined };
      ofToken.push(counter);
      counters += 1;
      return counter;
    }
    const { firstAtMs, firstIp } = count.firstAtMs < counter.firstAtMs ? count : counter;
    const last = count.lastAtMs >= counter.lastAtMs ? count : counter;
    const { lastAtMs, lastIp, lastUserAgent, lastRoute } = last;
    const calls = counter.calls + count.calls;
    return Object.assign(counter, { calls, firstAtMs, firstIp, lastAtMs, lastIp, lastUserAgent, lastRoute });
  };

  const isCountedApart = (tokenId: TokenId, atMs: number, caller: string): boolean => {
    const hour = Math.floor(atMs / 3_600_000);
    if (hour !== callersOf) {
      callers = new Map();
      callersOf = hour;
    }
    let known = callers.get(tokenId);
    if (!known) {
      if (callers.size >= rememberedTokensMax) return false;
      known = new Set();
      callers.set(tokenId, known);
    }
    if (!known.has(caller) && known.size >= callersPerTokenHourMax) return false;
    known.add(caller);
    return true;
  };

  const flushOnce = async (pause: Pause): Promise<void> => {
    if (waiting.size === 0) return;
    const counts = [...waiting.values()].flat();
    waiting = new Map();
    counters = 0;
    let written = 0;
    try {
      for (; written < counts.length; written += writtenAtOnce) {
        if (written > 0) await pause();
        await writeUsage(db, counts.slice(written, written + writtenAtOnce));
      }
    } catch (error) {
      log[isTold(error) ? "debug" : "warn"](
        { err: error, counters: counts.length - written },
        "token usage could not be written; trying again",
      );
      for (const count of counts.slice(written)) add(count);
    }
  };

  const recorder: UsageRecorder = {
    notice(request, token, refusal) {
      request.presentedToken = { recorder, token, refusal };
    },
    record(token, call) {
      const atMs = clock.now().getTime();
      // Nearly every call repeats an earlier one: the same token and caller, with the same outcome.
      const known = waiting.get(token.tokenId)?.find((each) => isRepeated(each, call, atMs));
      if (known) {
        known.calls += 1;
        known.lastAtMs = atMs;
        if (call.route !== known.lastRoute) known.lastRoute = plainText(call.route);
        return;
      }
      const seen = { ip: callerIp(call.ip), userAgent: plainText(call.userAgent) };
      const caller = isCountedApart(token.tokenId, atMs, `${seen.ip} ${seen.userAgent}`) ? seen : others;
      const counter = add({
        tokenId: token.tokenId,
        applicationId: token.applicationId,
        tenant: token.tenant,
        ...caller,
        quarterHourMs: Math.floor(atMs / quarterHourMs) * quarterHourMs,
        outcome: plainText(call.outcome).slice(0, 60),
        calls: 1,
        firstAtMs: atMs,
        firstIp: seen.ip,
        lastAtMs: atMs,
        lastIp: seen.ip,
        lastUserAgent: seen.userAgent,
        lastRoute: plainText(call.route),
      });
      const isApart = counter.ip === seen.ip && counter.userAgent === seen.userAgent;
      if (isApart && call.userAgent.length <= 200) counter.asSent = call;
    },
    ...writeBehind(flushOnce, { clock, intervalMs: flushIntervalMs }),
  };
  return recorder;
}

/**
 * Records, on every route of this server, the outcome of requests that presented a known token: accepted, or refused with the code of
 * a 401 or 403. Other failures (a wrong body, a missing account) count as accepted calls: the token was.
 */
export function recordTokenUsage(http: HttpServer): void {
  http.decorateRequest("presentedToken", undefined);
  http.addHook("onError", (request, _reply, error, done) => {
    const note = request.presentedToken;
    if (note) {
      const { status, code } = describeFailure(error);
      if (status === 401 || status === 403) note.refusal = code;
    }
    done();
  });
  http.addHook("onResponse", (request, reply, done) => {
    const note = request.presentedToken;
    if (note) {
      const refused = reply.statusCode === 401 || reply.statusCode === 403;
      note.recorder.record(note.token, {
        ip: request.ip,
        userAgent: request.headers["user-agent"] ?? "",
        route: routeOf(request),
        outcome: refused ? (note.refusal ?? "refused") : "accepted",
      });
    }
    done();
  });
}

/** A counter while it waits. */
type Counter = { -readonly [Member in keyof CallCount]: CallCount[Member] } & {
  /** A call that it counts, before that was made fit for the database: the next one is compared with it. */
  asSent: Pick<TokenCall, "ip" | "userAgent" | "outcome"> | undefined;
};

function isRepeated(
  { asSent, lastAtMs, quarterHourMs: quarter }: Counter,
  call: TokenCall,
  atMs: number,
): boolean {
  return (
    asSent !== undefined &&
    asSent.ip === call.ip &&
    asSent.userAgent === call.userAgent &&
    asSent.outcome === call.outcome &&
    atMs >= lastAtMs &&
    atMs - quarter < quarterHourMs
  );
}

function countsTogether(one: CallCount, other: CallCount): boolean {
  return (
    one.outcome === other.outcome &&
    one.ip === other.ip &&
    one.userAgent === other.userAgent &&
    one.quarterHourMs === other.quarterHourMs
  );
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set when the request presented a known token. */
    presentedToken?: PresentedToken | undefined;
  }
}
