import type { FastifyRequest } from "fastify";
import type { Lease } from "../leases/lease.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { writeInHalves } from "../platform/database/in-halves.ts";
import { describeFailure } from "../platform/http/problem.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { Log } from "../platform/log.ts";
import { isTold } from "../platform/outage.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import { type Pause, type WriteBehind, writeBehind } from "../platform/write-behind.ts";
import { callerIp, noAddress, plainText, routeOf } from "./call-facts.ts";
import { type CallCount, type CallKind, type UsedToken, writeUsage } from "./usage-store.ts";

export type { UsedToken } from "./usage-store.ts";

export interface TokenCall {
  readonly ip: string;
  readonly userAgent: string;
  /** Method and route pattern, such as `POST /transfers`. */
  readonly route: string;
  /** `accepted`, or the code with which the token was refused. */
  readonly outcome: string;
}

/**
 * Records which token was used, from where and for what, and writes that in batches off the request path: about a second behind, up to a
 * minute while writing takes long. No call waits for it or fails because of it. While the database is away it keeps what it can. What it
 * writes is counted once, even when the answer to a commit is lost.
 */
export interface UsageRecorder extends WriteBehind {
  /**
   * Notes that this request presented this token, and why the token is refused, if that is known. The outcome is recorded when the answer
   * has gone out ({@link recordTokenUsage}).
   */
  notice(request: FastifyRequest, token: CountedToken, refusal?: string): void;
  record(token: CountedToken, call: TokenCall): void;
}

/** Counters kept between two flushes; beyond that, further callers of a token are counted together. */
const countersMax = 20_000;
/**
 * Counters per statement. Hundreds of thousands wait when as many tokens are in use, and one statement for all would hold up calls for
 * seconds; this many take some milliseconds.
 */
const writtenAtOnce = 1_000;
/**
 * Counters that are grouped by fintech at once, since row-level security compares each row with every tenant of its statement. Grouping all
 * of them would hold up calls for hundreds of milliseconds where there are a million; this many take a few.
 */
const gatheredAtOnce = 20 * writtenAtOnce;
/**
 * Distinct callers of one token counted apart in one hour, so that made-up user agents cannot fill the disk. They are forgotten with the
 * token, so a token that memory had to read again may have more.
 */
const callersPerTokenHourMax = 50;
const quarterHourMs = 15 * 60_000;
/** The longest user agent, in characters, that is remembered as it was sent. */
const userAgentMax = 200;
/** Kinds of call remembered. Made-up ones push out all others, which only costs time. */
const kindsMax = 1_000;
/** What is known of a request's token. It is a member of the request, since a weak map of all requests is much slower. */
interface PresentedToken {
  readonly recorder: UsageRecorder;
  readonly token: CountedToken;
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
  random,
  lease,
  log,
  flushIntervalMs = 1_000,
}: {
  readonly db: Database;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly random: Random;
  /** Gives a call its time: that of the database, the same for all nodes. */
  readonly lease: Pick<Lease, "databaseMs">;
  readonly log: Log;
  readonly flushIntervalMs?: number;
}): UsageRecorder {
  let waiting: Counter[] = [];
  const writerId = randomUuid(random);
  let written = 0;
  /** The last batch that got no answer, and so may have been written: nothing is added to it, and it is retried under its number. */
  let unanswered: readonly Counter[] | undefined;
  const kinds = new Map<string, SentKind>();

  /** The first of the token's counters that wait here; the others are linked from it. */
  const countersOf = ({ counter }: CountedToken): Counter | undefined =>
    counter?.among === waiting ? counter : undefined;

  /** Adds to the counter of this caller, or to that of all others of the token when there are too many. Takes ownership of the counter. */
  const add = (counter: Counter): void => {
    const first = countersOf(counter.token);
    let known = counterLike(counter, first);
    if (!known && waiting.length >= countersMax) {
      // One such counter per live token and outcome: still bounded, by the number of tokens.
      counter.counted = others(counter.counted);
      counter.repeats = undefined;
      known = counterLike(counter, first);
    }
    if (known) merge(known, counter);
    else {
      counter.among = waiting;
      counter.next = first;
      counter.token.counter = counter;
      waiting.push(counter);
    }
  };

  const kindOf = (call: TokenCall): SentKind => {
    // Long ones are not kept as they were sent.
    if (call.userAgent.length > userAgentMax) return describe(call);
    const key = `${call.ip}\n${call.userAgent}\n${call.outcome}\n${call.route}`;
    let kind = kinds.get(key);
    if (!kind) {
      if (kinds.size >= kindsMax) kinds.clear();
      kind = describe(call);
      kinds.set(key, kind);
    }
    return kind;
  };

  const flushOnce = async (pause: Pause): Promise<void> => {
    const counts = waiting;
    waiting = [];
    const number = Math.ceil(counts.length / writtenAtOnce) + (unanswered ? 1 : 0);
    const pieces = piecesOf(unanswered, counts);
    let piece: readonly Counter[] = [];
    /** How many of the piece are written or left out: those before the ones that are being written. */
    let dealtWith = 0;
    let done = 0;
    const writePart = async (part: readonly Counter[]): Promise<void> => {
      if (done > 0) await pause(number);
      unanswered = part;
      await writeUsage(db, { writerId, number: written + 1, counts: part });
      unanswered = undefined;
      written += 1;
      done += 1;
      dealtWith += part.length;
      // The token outlives the counter.
      for (const { token, among } of part) if (token.counter?.among === among) token.counter = undefined;
    };
    const leaveOut = ({ token: { tokenId } }: Counter, error: unknown): void => {
      unanswered = undefined;
      dealtWith += 1;
      log.error({ err: error, tokenIds: [tokenId] }, "the use of a token cannot be written, and is left out");
    };
    try {
      for (;;) {
        piece = pieces.next().value ?? [];
        if (piece.length === 0) break;
        dealtWith = 0;
        await writeInHalves(piece, writePart, leaveOut);
      }
    } catch (error) {
      const left = [...piece.slice(dealtWith + (unanswered?.length ?? 0)), ...[...pieces].flat()];
      log[isTold(error) ? "debug" : "warn"](
        { err: error, counters: left.length + (unanswered?.length ?? 0) },
        "token usage could not be written; trying again",
      );
      for (const count of left) add(count);
    }
  };

  const recorder: UsageRecorder = {
    notice(request, token, refusal) {
      request.presentedToken = { recorder, token, refusal };
    },
    record(token, call) {
      const atMs = Math.floor(lease.databaseMs());
      // Nearly every call repeats an earlier one: the same token and caller, with the same outcome.
      for (let each = countersOf(token); each; each = each.next)
        if (isRepeated(each, call, atMs)) {
          each.calls += 1;
          each.lastAtMs = atMs;
          if (call.route !== each.last.sentRoute) each.last = kindOf(call);
          return;
        }
      const kind = kindOf(call);
      const apart = isCountedApart(token, kind, atMs);
      add({
        token,
        quarterHourMs: Math.floor(atMs / quarterHourMs) * quarterHourMs,
        counted: apart ? kind : others(kind),
        calls: 1,
        firstAtMs: atMs,
        first: kind,
        lastAtMs: atMs,
        last: kind,
        repeats: apart && call.userAgent.length <= userAgentMax ? call : undefined,
        among: waiting,
        next: undefined,
      });
    },
    ...writeBehind(flushOnce, { clock, intervalMs: flushIntervalMs }),
  };
  return recorder;
}

/** Statuses of calls that were not let in; the gateway lets in only what it answers with 200. */
const refusing = [401, 403, 429];

/**
 * Records, on every route of this server, the outcome of requests that presented a known token: accepted, or refused with the code of
 * a 401, 403 or 429. Other failures (a wrong body, a missing account) count as accepted calls: the token was.
 */
export function recordTokenUsage(http: HttpServer): void {
  http.decorateRequest("presentedToken", undefined);
  http.addHook("onError", (request, _reply, error, done) => {
    const note = request.presentedToken;
    if (note) {
      const { status, code } = describeFailure(error);
      if (refusing.includes(status)) note.refusal = code;
    }
    done();
  });
  http.addHook("onResponse", (request, reply, done) => {
    const note = request.presentedToken;
    if (note) {
      const refused = refusing.includes(reply.statusCode);
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

interface SentKind extends CallKind {
  readonly sentRoute: string;
  /** The same outcome for callers that are not counted apart; made when it is first needed. */
  others: CallKind | undefined;
}

function describe({ ip, userAgent, outcome, route }: TokenCall): SentKind {
  return {
    ip: callerIp(ip),
    userAgent: plainText(userAgent),
    outcome: plainText(outcome).slice(0, 60),
    route: plainText(route),
    sentRoute: route,
    others: undefined,
  };
}

function others(kind: CallKind | SentKind): CallKind {
  const { outcome } = kind;
  if (!("others" in kind)) return kind;
  kind.others ??= { ip: noAddress, userAgent: "others", outcome, route: "" };
  return kind.others;
}

/** A counter while it waits. */
interface Counter extends CallCount {
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

/** The pieces to write, one after the other: first the unanswered one, unchanged. */
function* piecesOf(
  first: readonly Counter[] | undefined,
  counters: readonly Counter[],
): Generator<readonly Counter[], void> {
  if (first) yield first;
  for (let from = 0; from < counters.length; from += gatheredAtOnce) {
    const some = counters.slice(from, from + gatheredAtOnce);
    const gathered = [...Map.groupBy(some, ({ token }) => token.tenant.fintechId).values()].flat();
    for (let at = 0; at < gathered.length; at += writtenAtOnce) yield gathered.slice(at, at + writtenAtOnce);
  }
}

/** Whether this caller is one of the token's first in this hour. */
function isCountedApart(token: CountedToken, caller: CallKind, atMs: number): boolean {
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

function isRepeated(
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
function counterLike(
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

function merge(into: Counter, from: Counter): void {
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

declare module "fastify" {
  interface FastifyRequest {
    /** Set when the request presented a known token. */
    presentedToken?: PresentedToken | undefined;
  }
}
