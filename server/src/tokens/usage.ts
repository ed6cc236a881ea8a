import type { FastifyRequest } from "fastify";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { describeFailure } from "../platform/http/problem.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { ApplicationId, Tenant, TokenId } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { isTold } from "../platform/outage.ts";
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
 * Remembers which token was used, from where and for what, and writes it in batches off the request path: at most about a second
 * behind, never waited for, and never a reason for a call to fail. While the database is away it keeps what it can.
 */
export interface UsageRecorder {
  /**
   * Says that this request presented this token, and why it is refused if that is known; the outcome is recorded when the answer has gone
   * out ({@link recordTokenUsage}).
   */
  notice(request: FastifyRequest, token: UsedToken, refusal?: string): void;
  record(token: UsedToken, call: TokenCall): void;
  /** Writes what is waiting. */
  flush(): Promise<void>;
  /** Stops the timer and writes what is waiting. */
  close(): Promise<void>;
}

/** Counters kept between two flushes; beyond it, further callers of a token count together. */
const countersMax = 5_000;
/** Distinct callers of one token counted apart in one hour, so that made-up user agents cannot fill the disk. */
const callersPerTokenHourMax = 50;
/** Tokens whose callers of this hour are remembered; beyond it every further caller counts under {@link others}. */
const rememberedTokensMax = 20_000;
const others = { ip: noAddress, userAgent: "others" } as const;
const quarterHourMs = 15 * 60_000;

const noticed = new WeakMap<
  object,
  { readonly recorder: UsageRecorder; readonly token: UsedToken; refusal?: string }
>();

/** The known token that this request presented, whatever became of it; undefined while none is known. */
export function tokenPresentedBy(request: FastifyRequest): UsedToken | undefined {
  return noticed.get(request)?.token;
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
  let waiting = new Map<string, CallCount>();
  let callers = new Map<string, Set<string>>();
  let callersOf = 0; // The hour that `callers` is about.
  let running: Promise<void> | undefined;

  const add = (count: CallCount): void => {
    let key = keyOf(count);
    let entry = waiting.get(key);
    if (!entry && waiting.size >= countersMax) {
      key = keyOf({ ...count, ...others });
      entry = waiting.get(key);
      // One such counter per live token and outcome is still bounded, by the tokens there are.
      if (!entry) count = { ...count, ...others };
    }
    if (!entry) {
      waiting.set(key, count);
      return;
    }
    const [first, last] = [
      count.firstAt < entry.firstAt ? count : entry,
      count.lastAt >= entry.lastAt ? count : entry,
    ];
    waiting.set(key, {
      ...entry,
      calls: entry.calls + count.calls,
      firstAt: first.firstAt,
      firstIp: first.firstIp,
      lastAt: last.lastAt,
      lastIp: last.lastIp,
      lastUserAgent: last.lastUserAgent,
      lastRoute: last.lastRoute,
    });
  };

  const isCountedApart = (tokenId: TokenId, at: Date, caller: string): boolean => {
    const hour = Math.floor(at.getTime() / 3_600_000);
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

  const flushOnce = async (): Promise<void> => {
    if (waiting.size === 0) return;
    const batch = waiting;
    waiting = new Map();
    try {
      await writeUsage(db, [...batch.values()]);
    } catch (error) {
      log[isTold(error) ? "debug" : "warn"](
        { err: error, counters: batch.size },
        "token usage could not be written; trying again",
      );
      for (const count of batch.values()) add(count);
    }
  };

  const recorder: UsageRecorder = {
    notice(request, token, refusal) {
      noticed.set(request, { recorder, token, ...(refusal === undefined ? {} : { refusal }) });
    },
    record(token, call) {
      const at = clock.now();
      const seen = { ip: callerIp(call.ip), userAgent: plainText(call.userAgent) };
      const caller = isCountedApart(token.tokenId, at, `${seen.ip} ${seen.userAgent}`) ? seen : others;
      add({
        ...token,
        ...caller,
        quarterHour: new Date(Math.floor(at.getTime() / quarterHourMs) * quarterHourMs),
        outcome: plainText(call.outcome).slice(0, 60),
        calls: 1,
        firstAt: at,
        firstIp: seen.ip,
        lastAt: at,
        lastIp: seen.ip,
        lastUserAgent: seen.userAgent,
        lastRoute: plainText(call.route),
      });
    },
    async flush() {
      while (running) await running;
      running = flushOnce().finally(() => {
        running = undefined;
      });
      await running;
    },
    async close() {
      clearInterval(timer);
      await recorder.flush();
    },
  };
  const timer = setInterval(() => void (running ?? recorder.flush()), flushIntervalMs);
  timer.unref();
  return recorder;
}

/**
 * Records, on every route of this server, the outcome of requests that presented a known token: accepted, or refused with the code of
 * a 401 or 403. Other failures (a wrong body, a missing account) count as accepted calls: the token was.
 */
export function recordTokenUsage(http: HttpServer): void {
  http.addHook("onError", (request, _reply, error, done) => {
    const note = noticed.get(request);
    if (note) {
      const { status, code } = describeFailure(error);
      if (status === 401 || status === 403) note.refusal = code;
    }
    done();
  });
  http.addHook("onResponse", (request, reply, done) => {
    const note = noticed.get(request);
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

function keyOf(count: Pick<CallCount, "tokenId" | "quarterHour" | "ip" | "userAgent" | "outcome">): string {
  return JSON.stringify([
    count.tokenId,
    count.quarterHour.getTime(),
    count.ip,
    count.userAgent,
    count.outcome,
  ]);
}
