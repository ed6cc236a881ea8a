import type { FastifyRequest } from "fastify";
import type { Lease } from "../../leases/lease.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Database } from "../../platform/database/database.ts";
import { writeInHalves } from "../../platform/database/in-halves.ts";
import type { Log } from "../../platform/log.ts";
import { isTold } from "../../platform/outage.ts";
import { type Random, randomUuid } from "../../platform/random.ts";
import { type Pause, type WriteBehind, writeBehind } from "../../platform/write-behind.ts";
import {
  type CountedToken,
  type Counter,
  counterLike,
  isCountedApart,
  isRepeated,
  merge,
  quarterHourMs,
} from "./call-counter.ts";
import { others, rememberKinds, userAgentMax } from "./call-kind.ts";
import type { TokenCall } from "./token-call.ts";
import { writeUsage } from "./usage-store.ts";

/**
 * Records which token was used, from where and for what, and writes that in batches off the request path: about a second behind, up to a
 * minute while writing takes long. No call waits for it or fails because of it. While the database is away it keeps what it can. What it
 * writes is counted once, even when the answer to a commit is lost.
 */
export interface UsageRecorder extends WriteBehind {
  /**
   * Notes that this request presented this token, and why the token is refused, if that is known. The outcome is recorded when the answer
   * has gone out (`recordTokenUsage`).
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
  const kindOf = rememberKinds();
  let waiting: Counter[] = [];
  const writerId = randomUuid(random);
  let written = 0;
  /** The last batch that got no answer, and so may have been written: nothing is added to it, and it is retried under its number. */
  let unanswered: readonly Counter[] | undefined;

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
