import { setTimeout as sleep } from "node:timers/promises";
import type { AccountId } from "../ledger/account.ts";
import { keyOfTenant } from "../ledger/locked-ledger.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import type { Clock } from "../platform/clock.ts";
import { endsConnection } from "../platform/database/commit.ts";
import type { Database } from "../platform/database/database.ts";
import { OutcomeUnknown } from "../platform/database/outcome-unknown.ts";
import { endedBeforeCommit } from "../platform/database/retry.ts";
import { isCondition } from "../platform/database/sql-state.ts";
import type { Keys } from "../platform/keys.ts";
import { oncePerTurn } from "../platform/once-per-turn.ts";
import type { AskedTransfer } from "./batch-question.ts";
import { TransferOutcomeUnknown, TransfersBusy } from "./errors.ts";
import { inTurns } from "./in-turns.ts";
import { isReversalCode, isReversalRefusal } from "./reversal.ts";
import { type BatchOutcome, runBatch } from "./run-batch.ts";

/** Makes transfers in batches: those that arrive while a batch is under way form the next one. */
export interface TransferBatcher {
  /**
   * Resolves when the transfer is on disk. Rejects with its refusal; with `TransfersBusy` when too many are waiting, or too many of its
   * fintech; with `TransferOutcomeUnknown` when, during the commit, the database went away, did not answer, or did not wait for its
   * standby; with the database's error when the transfer could not be begun.
   */
  submit(asked: AskedTransfer): Promise<PostedTransfer>;
}

interface Line extends AskedTransfer {
  maybeMade: boolean;
  readonly deadlineMs: number;
  resolve(transfer: PostedTransfer): void;
  reject(error: unknown): void;
}

/** After this long an answer is too late to be of use, whatever held it up. */
const patienceMs = 10_000;
/** Of the places for unanswered transfers, how large a share one tenant may have, so that it cannot keep out all others. */
const shareMax = 1 / 2;
/** How many tenants' lines may wait for somebody else's locks at the same time, each tenant on a connection of its own. */
const waitingTenantsMax = 4;
const reconnectPauseMs = 100;
/** How many batches run at the same time: while the database works on one, the next is read and decided. */
const runningMax = 3;
/** How many lines make a second batch beside a running one worth its round trips. */
const besideMin = 16;
/** A batch that takes this long is stuck: mostly a commit that waits for a standby, or a server that does not answer. */
const stuckAfterMs = 1_000;
/** How many stuck batches are not counted as running. Each keeps its connection. */
const stuckMax = 3;

/**
 * No transfer waits for a timer. A batch starts as soon as none is running, so a lone transfer is not delayed. Another one starts beside it
 * when enough lines are waiting that concern none of its accounts. When more are waiting than a batch takes, tenants take turns. A stuck
 * batch keeps its accounts and delays nobody else. No batch waits for others' locks: a line whose gate or account another transaction holds
 * moves to its tenant's own lane, which waits for them, so that no tenant waits for another. Several processes may do so on one database;
 * the locks make it safe.
 *
 * A batch that the database refuses as a whole is tried once more, then in halves, so that one line's fault fails no other. One that it
 * refuses for a reversal is tried at once without its reversals, which move to their tenants' lanes. When a commit's outcome is not known,
 * the next batch finds by the request ids what was made, makes that certain, and answers it.
 */
export function createTransferBatcher(
  deps: {
    readonly db: Pick<Database, "connect" | "noteFailure">;
    readonly clock: Clock;
    readonly keys: Pick<Keys, "mac">;
    /** Called with the number of transfers each time some go to the database together. */
    readonly onBatch?: ((transfers: number) => void) | undefined;
  },
  { batchMax = 256, waitingMax = 4_096 }: { readonly batchMax?: number; readonly waitingMax?: number } = {},
): TransferBatcher {
  const now = (): number => deps.clock.monotonicMs();
  const enough = Math.min(besideMin, batchMax);
  let waiting: Line[] = [];
  /** Running batches, without the stuck ones. */
  let running = 0;
  let stuck = 0;
  /** The accounts of the batches under way. A line that concerns one of them waits for their end. */
  const busy = new Set<AccountId>();
  const lanes = new Map<string, Line[]>();
  const idleLanes: string[] = [];
  let lanesRunning = 0;

  const enqueue = (...lines: Line[]): void => {
    waiting.push(...lines);
    startSoon();
  };

  /** Starts once for all requests that have already arrived, since each start looks through all waiting lines. */
  const startSoon = oncePerTurn(() => start());

  const start = (): void => {
    while (running < runningMax && waiting.length >= (running === 0 ? 1 : enough)) {
      const lines = takeBatch();
      if (lines.length === 0) return;
      void run(lines);
    }
  };

  /** The first lines that no running batch and no earlier line blocks, if they are enough. */
  const takeBatch = (): Line[] => {
    const [taken, left]: [Line[], Line[]] = [[], []];
    const awaited = new Set<AccountId>();
    const inOrder =
      waiting.length > batchMax ? inTurns(waiting, (line) => keyOfTenant(line.principal.tenant)) : waiting;
    for (const line of inOrder) {
      const accounts = [line.request.debitAccountId, line.request.creditAccountId];
      if (taken.length < batchMax && !accounts.some((id) => busy.has(id) || awaited.has(id)))
        taken.push(line);
      else {
        // Later lines for the same account wait behind this one, so that none waits for ever.
        for (const id of accounts) awaited.add(id);
        left.push(line);
      }
    }
    if (running > 0 && taken.length < enough) return [];
    waiting = left;
    return taken;
  };

  const run = async (lines: readonly Line[]): Promise<void> => {
    const ended = countAsRunning();
    deps.onBatch?.(lines.length);
    const accounts = lines.flatMap(({ request }) => [request.debitAccountId, request.creditAccountId]);
    for (const account of accounts) busy.add(account);
    await settle(lines, { waits: false });
    for (const account of accounts) busy.delete(account);
    ended();
    startSoon();
  };

  /** Counts a batch as running until it has ended or is stuck. Call the result at its end. */
  const countAsRunning = (): (() => void) => {
    running += 1;
    let isStuck = false;
    const timer = setTimeout(() => {
      if (stuck >= stuckMax) return;
      isStuck = true;
      stuck += 1;
      running -= 1;
      start();
    }, stuckAfterMs);
    return () => {
      clearTimeout(timer);
      if (isStuck) stuck -= 1;
      else running -= 1;
    };
  };

  /** Runs the lines as a batch and gives each its answer or its place to wait. Never rejects. */
  const settle = async (
    lines: readonly Line[],
    options: { readonly waits: boolean; readonly again?: true },
  ): Promise<void> => {
    let outcomes: BatchOutcome[];
    try {
      outcomes = await runBatch(deps, lines, options);
    } catch (error) {
      await recover(lines, error, options);
      return;
    }
    for (const [at, line] of lines.entries()) {
      const outcome = outcomes[at] as BatchOutcome;
      if (outcome.kind === "made") line.resolve(outcome.transfer);
      else if (outcome.kind === "refused") line.reject(outcome.error);
      else toOwnLane(line);
    }
  };

  const recover = async (
    lines: readonly Line[],
    error: unknown,
    { waits, again }: { readonly waits: boolean; readonly again?: true },
  ): Promise<void> => {
    if (error instanceof OutcomeUnknown) {
      for (const line of lines) line.maybeMade = true;
      afterLostConnection(lines, error);
    } else if (endsConnection(error)) {
      // The database is away, or only this connection broke: nothing was written.
      if (again) afterLostConnection(lines, error);
      else await settle(lines, { waits, again: true });
    } else if (waits && isCollision(error)) {
      // Its turn has not come. The lines go back among all others, and those whose locks are free by now go on.
      for (const line of lines)
        if (now() < line.deadlineMs) enqueue(line);
        else giveUp(line, error);
    } else if (isReversalRefusal(error) && lines.some(isReversal))
      await tellReversalsApart(lines, error, waits);
    else if (!again) await settle(lines, { waits, again: true });
    else if (lines.length > 1) await settleHalves(lines, waits);
    else
      for (const line of lines)
        if (isCollision(error) && now() < line.deadlineMs) toOwnLane(line);
        else giveUp(line, error);
  };

  /**
   * One of the reversals undoes more than is left; the database does not say which. The other lines go on at once without them. Reversals
   * are told apart in the lanes, where they keep nobody waiting: many that race for one original would take every batch apart.
   */
  const tellReversalsApart = async (
    lines: readonly Line[],
    error: unknown,
    waits: boolean,
  ): Promise<void> => {
    const [first] = lines;
    if (first && lines.length === 1) return giveUp(first, error);
    const reversals = lines.filter(isReversal);
    const others = lines.filter((line) => !isReversal(line));
    if (!waits) for (const line of reversals) toOwnLane(line);
    else if (others.length === 0) return settleHalves(reversals, waits);
    if (others.length > 0) await settle(others, { waits, again: true });
    if (waits) await settle(reversals, { waits, again: true });
  };

  const settleHalves = async (lines: readonly Line[], waits: boolean): Promise<void> => {
    const middle = Math.ceil(lines.length / 2);
    await settle(lines.slice(0, middle), { waits, again: true });
    await settle(lines.slice(middle), { waits, again: true });
  };

  /** Only lines that may have been made are worth waiting for. The others' callers are told at once that nothing was done. */
  const afterLostConnection = (lines: readonly Line[], error: unknown): void => {
    for (const line of lines)
      if (line.maybeMade && now() < line.deadlineMs) toOwnLane(line);
      else giveUp(line, error);
  };

  /** The error ended the last attempt. While an earlier attempt may yet complete, it does not say what will have happened. */
  const giveUp = (line: Line, error: unknown): void =>
    line.reject(line.maybeMade ? new TransferOutcomeUnknown(error, line.request.requestId) : error);

  const toOwnLane = (line: Line): void => {
    const key = keyOfTenant(line.principal.tenant);
    const lane = lanes.get(key);
    if (lane) lane.push(line);
    else {
      lanes.set(key, [line]);
      idleLanes.push(key);
      if (lanesRunning < waitingTenantsMax) void runLanes();
    }
  };

  /** Works through the lanes, one tenant's lines at a time, tenants in turn. */
  const runLanes = async (): Promise<void> => {
    lanesRunning += 1;
    for (let key = idleLanes.shift(); key !== undefined; key = idleLanes.shift()) {
      const lines = lanes.get(key)?.splice(0, batchMax) ?? [];
      if (lines.some(({ maybeMade }) => maybeMade)) await sleep(reconnectPauseMs);
      await settle(lines, { waits: true });
      if (lanes.get(key)?.length) idleLanes.push(key);
      else lanes.delete(key);
    }
    lanesRunning -= 1;
  };

  let unanswered = 0;
  const unansweredOf = new Map<string, number>();
  const count = (tenant: string, change: 1 | -1): void => {
    unanswered += change;
    const left = (unansweredOf.get(tenant) ?? 0) + change;
    if (left > 0) unansweredOf.set(tenant, left);
    else unansweredOf.delete(tenant);
  };
  return {
    submit(asked) {
      const tenant = keyOfTenant(asked.principal.tenant);
      if (unanswered >= waitingMax || (unansweredOf.get(tenant) ?? 0) >= waitingMax * shareMax)
        return Promise.reject(new TransfersBusy());
      count(tenant, 1);
      return new Promise((resolve, reject) => {
        const line: Line = {
          ...asked,
          maybeMade: false,
          deadlineMs: now() + patienceMs,
          resolve(transfer) {
            count(tenant, -1);
            resolve(transfer);
          },
          reject(error) {
            count(tenant, -1);
            reject(error as Error);
          },
        };
        // While others of the tenant are being told apart, a reversal is better off among them.
        if (isReversal(line) && lanes.has(tenant)) toOwnLane(line);
        else enqueue(line);
      });
    },
  };
}

function isReversal({ request }: Line): boolean {
  return isReversalCode(request.transferCode);
}

/**
 * Whether two transactions collided and this one was rolled back. Either it did not get its locks in time, or the unique index refused it
 * because the same request id arrived twice at once for different accounts; the next attempt sees the other's transfer.
 */
function isCollision(error: unknown): boolean {
  if (endedBeforeCommit(error)) return true;
  const { constraint } = error as { constraint?: unknown };
  return isCondition(error, "unique_violation") && constraint === "transfer_request";
}
