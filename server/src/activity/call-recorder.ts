import { type CallOutcome, callsListedPerSecond } from "@fusion/contract/activity.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Lease } from "../leases/lease.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { writeInHalves } from "../platform/database/in-halves.ts";
import type { Failure } from "../platform/http/problem.ts";
import type { HttpServer } from "../platform/http/server.ts";
import { type ApplicationId, newId, type Tenant } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { isTold } from "../platform/outage.ts";
import type { Random } from "../platform/random.ts";
import { type Pause, type WriteBehind, writeBehind } from "../platform/write-behind.ts";
import { callerIp, plainText, routeOf } from "../tokens/usage/call-facts.ts";
import { tokenPresentedBy } from "../tokens/usage/record-token-usage.ts";
import type { UsedToken } from "../tokens/usage/token-call.ts";
import { type ApiCall, fieldName, outcomeOf, type UnlistedCalls } from "./call.ts";
import { writeCalls } from "./call-store.ts";

/**
 * Remembers the calls of applications and writes them in batches off the request path. It is about a second behind; nothing waits for it,
 * and no call fails because of it. Of each application it keeps as many calls a batch in full as {@link callsListedPerSecond} says, and
 * counts the others. So each further call of a flood costs one look-up and one addition, and memory and disk stay bounded. The limits hold
 * for each process.
 */
export interface CallRecorder extends WriteBehind {
  /** Call it when the answer has gone out, with its status. `describe` is called only when the call is kept in full. */
  record(token: UsedToken, status: number, describe: () => CallFacts): void;
}

/**
 * Calls kept for the next write, over all applications; further ones are only counted. Accepted ones may take half, so that refusals fit.
 */
const waitingMax = 20_000;

/** Calls in one statement: one with thousands would hold up other calls. */
const writtenAtOnce = 1_000;

/** The facts of a call besides its owner, time and status. */
export interface CallFacts {
  readonly requestId: string;
  readonly route: string;
  /** Why it was refused. */
  readonly failure: Failure | undefined;
  readonly durationMs: number;
  /** As they were sent. */
  readonly ip: string;
  readonly userAgent: string;
}

/** An application's calls since the last write. */
interface Tally {
  readonly tenant: Tenant;
  readonly listed: Record<CallOutcome, number>;
  readonly unlisted: Record<CallOutcome, number>;
}

const failures = new WeakMap<FastifyRequest, Failure>();

/** Notes the failure with which a request is answered; its code and its fields' names are kept with the call. */
export function noteFailure(request: FastifyRequest, failure: Failure): void {
  failures.set(request, failure);
}

/** Records requests on every route of this server that presented a known token. */
export function recordCalls(http: HttpServer, recorder: CallRecorder): void {
  http.addHook("onResponse", (request, reply, done) => {
    const token = tokenPresentedBy(request);
    if (token) recorder.record(token, reply.statusCode, () => factsOf(request, reply));
    done();
  });
}

/** Starts a recorder that writes every `flushIntervalMs` until it is closed. */
export function createCallRecorder({
  db,
  clock,
  lease,
  random,
  log,
  flushIntervalMs = 1_000,
}: {
  readonly db: Database;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** The source of a call's time: the database's time, as on all other nodes. */
  readonly lease: Pick<Lease, "databaseMs">;
  readonly random: Random;
  readonly log: Log;
  readonly flushIntervalMs?: number;
}): CallRecorder {
  let waiting: ApiCall[] = [];
  let tallies = new Map<ApplicationId, Tally>();
  /** Counts that may have been written although the answer was lost. Until that is certain they keep their ids, and no others are made. */
  let unwritten: readonly UnlistedCalls[] = [];

  const now = (): Date => new Date(lease.databaseMs());
  const tallyOf = (applicationId: ApplicationId, tenant: Tenant): Tally => {
    let tally = tallies.get(applicationId);
    if (!tally) {
      tally = {
        tenant,
        listed: { accepted: 0, refused: 0, error: 0 },
        unlisted: { accepted: 0, refused: 0, error: 0 },
      };
      tallies.set(applicationId, tally);
    }
    return tally;
  };

  /** Takes back calls that could not be written, as far as there is room, and counts the rest. */
  const takeBack = (calls: readonly ApiCall[]): void => {
    const room = Math.max(0, waitingMax - waiting.length);
    for (const call of calls.slice(room))
      tallyOf(call.applicationId, call.tenant).unlisted[outcomeOf(call.status)] += 1;
    waiting = [...calls.slice(0, room), ...waiting];
  };

  /** Returns false when all rows have to be tried again. Those already written have ids, so they are stored once. */
  const write = async <Row>(
    rows: readonly Row[],
    writeSome: (some: readonly Row[]) => Promise<void>,
  ): Promise<boolean> => {
    const refusals: unknown[] = [];
    try {
      await writeInHalves(rows, writeSome, (_, error) => refusals.push(error));
    } catch (error) {
      log[isTold(error) ? "debug" : "warn"](
        { err: error, calls: rows.length },
        "calls could not be written; trying again",
      );
      return false;
    }
    if (refusals.length > 0)
      log.error({ err: refusals[0], calls: refusals.length }, "calls that the database refuses are left out");
    return true;
  };
  const writeUnwritten = async (): Promise<boolean> => {
    const isDone = await write(unwritten, (counts) => writeCalls(db, [], counts));
    if (isDone) unwritten = [];
    return isDone;
  };

  const flushOnce = async (pause: Pause): Promise<void> => {
    if (!(await writeUnwritten())) return;
    const calls = waiting;
    unwritten = unlistedOf(tallies, now(), random);
    waiting = [];
    tallies = new Map();
    if (!(await writeUnwritten())) return takeBack(calls);
    for (let at = 0; at < calls.length; at += writtenAtOnce) {
      if (at > 0) await pause(Math.ceil(calls.length / writtenAtOnce));
      const piece = calls.slice(at, at + writtenAtOnce);
      if (!(await write(piece, (some) => writeCalls(db, some, [])))) return takeBack(calls.slice(at));
    }
  };

  const recorder: CallRecorder = {
    record(token, status, describe) {
      const outcome = outcomeOf(status);
      const tally = tallyOf(token.applicationId, token.tenant);
      if (
        tally.listed[outcome] >= callsListedPerSecond[outcome] ||
        waiting.length >= (outcome === "accepted" ? waitingMax / 2 : waitingMax)
      ) {
        tally.unlisted[outcome] += 1;
        return;
      }
      tally.listed[outcome] += 1;
      waiting.push(listedCall(token, status, describe(), now()));
    },
    ...writeBehind(flushOnce, { clock, intervalMs: flushIntervalMs }),
  };
  return recorder;
}

function factsOf(request: FastifyRequest, reply: FastifyReply): CallFacts {
  return {
    requestId: request.id,
    route: request.routeOptions.url === undefined ? `${request.method} (no such address)` : routeOf(request),
    failure: failures.get(request),
    durationMs: reply.elapsedTime,
    ip: request.ip,
    userAgent: request.headers["user-agent"] ?? "",
  };
}

function listedCall(token: UsedToken, status: number, facts: CallFacts, at: Date): ApiCall {
  const { failure } = facts;
  const { errorCode, requiredScope } = failure?.extensions ?? {};
  const fields = (failure?.fieldErrors ?? []).slice(0, 20).map(({ pointer }) => fieldName(pointer));
  return {
    requestId: facts.requestId,
    tenant: token.tenant,
    applicationId: token.applicationId,
    tokenId: token.tokenId,
    at,
    route: plainText(facts.route),
    status,
    code: failure ? failure.code.slice(0, 100) : null,
    errorCode: typeof errorCode === "string" ? errorCode.slice(0, 100) : null,
    fields: [...new Set(fields)],
    requiredScope: typeof requiredScope === "string" ? requiredScope : null,
    durationMs: facts.durationMs,
    ip: callerIp(facts.ip),
    userAgent: plainText(facts.userAgent),
  };
}

function unlistedOf(tallies: ReadonlyMap<ApplicationId, Tally>, at: Date, random: Random): UnlistedCalls[] {
  const rows: UnlistedCalls[] = [];
  for (const [applicationId, { tenant, unlisted }] of tallies) {
    for (const outcome of ["accepted", "refused", "error"] as const) {
      if (unlisted[outcome] > 0)
        rows.push({
          rowId: newId<string>(random, "cnt"),
          tenant,
          applicationId,
          at,
          outcome,
          calls: unlisted[outcome],
        });
    }
  }
  return rows;
}
