import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { batcherOn, isMade, outcomeOf, pairOf } from "../../testing/batcher-fixture.ts";
import { arrangeBook } from "../../testing/ledger-fixture.ts";
import { type PrimaryAlone, startPrimaryAlone } from "../../testing/primary-alone.ts";
import { getTransferByRequestId } from "../../transfers/get-transfer.ts";
import { describeFailure } from "../http/problem.ts";
import { confirmEarlierCommits } from "./commit.ts";
import { systemScope } from "./database.ts";
import { OutcomeUnknown } from "./outcome-unknown.ts";
import { twoStepTransaction } from "./two-step.ts";

// A primary that waits for a standby that never answers: the wait is cancelled, the connection breaks, or the standby confirms at last.

let primary: PrimaryAlone;
beforeAll(async () => {
  primary = await startPrimaryAlone();
  await primary.owner.query("CREATE TABLE kept (what text); GRANT ALL ON kept TO fusion_runtime");
});
afterEach(() => primary.standbyConfirms());
afterAll(() => primary.drop());

const keep = (what: string) => `INSERT INTO kept VALUES ('${what}')`;
const toKeep = (what: string) => () => ({ write: keep(what), result: "done" });
const isKept = async (what: string): Promise<boolean> =>
  (await primary.owner.query("SELECT FROM kept WHERE what = $1", [what])).rowCount === 1;

/** Follows the outcome of the work, without waiting for it here. */
function watched<Result>(work: Promise<Result>): { outcome: () => unknown; readonly settled: Promise<void> } {
  let outcome: unknown = "pending";
  const settled = work
    .catch((error: unknown) => error)
    .then((what) => {
      outcome = what;
    });
  return { outcome: () => outcome, settled };
}

it("does not report a commit whose wait for the standby was cancelled as done", async () => {
  await primary.awaitStandby();
  let afterwards = false;
  const commit = watched(
    primary.db.transaction(systemScope, async (tx) => {
      tx.afterCommit(() => {
        afterwards = true;
      });
      await tx.query(keep("cancelled"));
    }),
  );
  await primary.untilWaiting();
  expect(commit.outcome()).toBe("pending");
  await primary.cancelWaits();
  await commit.settled;
  expect(commit.outcome()).toBeInstanceOf(OutcomeUnknown);
  expect(afterwards).toBe(false);
  // It was written, and a failover would undo it.
  expect(await isKept("cancelled")).toBe(true);
});

it("nor one in two steps", async () => {
  await primary.awaitStandby();
  const commit = watched(
    twoStepTransaction(primary.db, systemScope, "SELECT 1", toKeep("two steps"), { answerMs: 10_000 }),
  );
  await primary.untilWaiting();
  await primary.cancelWaits();
  await commit.settled;
  expect(commit.outcome()).toBeInstanceOf(OutcomeUnknown);
  expect(await isKept("two steps")).toBe(true);
});

it("nor one in two steps that is not answered in time, which may still happen", async () => {
  await primary.awaitStandby();
  const commit = watched(
    twoStepTransaction(primary.db, systemScope, "SELECT 1", toKeep("unanswered"), { answerMs: 200 }),
  );
  await commit.settled;
  expect(commit.outcome()).toBeInstanceOf(OutcomeUnknown);
  // Nothing else is sent over that connection, as the commit is still going on there.
  await primary.db.reader(systemScope).query("SELECT 1");
  expect(await isKept("unanswered")).toBe(false);
  await primary.standbyConfirms();
  await vi.waitFor(async () => expect(await isKept("unanswered")).toBe(true));
});

it("says that nothing was written in two steps when what comes before the commit is not answered in time", async () => {
  let decided = false;
  const decide = () => {
    decided = true;
    return toKeep("never")();
  };
  const started = primary.db.pool.totalCount;
  const change = watched(
    twoStepTransaction(primary.db, systemScope, "SELECT pg_sleep(5)", decide, { answerMs: 100 }),
  );
  await change.settled;
  expect(describeFailure(change.outcome())).toMatchObject({ status: 503, code: "unavailable" });
  expect(decided).toBe(false);
  expect(primary.db.pool.totalCount).toBeLessThanOrEqual(Math.max(started - 1, 0));
});

it("nor one of a single statement, sent in one go", async () => {
  await primary.awaitStandby();
  for (const [what, end] of [
    ["one go, cancelled", () => primary.cancelWaits()],
    ["one go, broken off", () => primary.breakWaits()],
  ] as const) {
    const commit = watched(primary.db.writer(systemScope).query(keep(what)));
    await primary.untilWaiting();
    expect(commit.outcome()).toBe("pending");
    await end();
    await commit.settled;
    expect(commit.outcome()).toBeInstanceOf(OutcomeUnknown);
    expect(await isKept(what)).toBe(true);
  }
});

it("nor one whose connection breaks before its answer arrives", async () => {
  await primary.awaitStandby();
  const commit = watched(primary.db.transaction(systemScope, (tx) => tx.query(keep("broken off"))));
  await primary.untilWaiting();
  await primary.breakWaits();
  await commit.settled;
  expect(commit.outcome()).toBeInstanceOf(OutcomeUnknown);
});

it("answers such a commit with 503 and the advice to repeat it", () => {
  expect(describeFailure(new OutcomeUnknown("the wait was cancelled"))).toMatchObject({
    status: 503,
    code: "outcome_unknown",
    retryAfterSeconds: 1,
  });
});

it("lets whoever finds it afterwards answer only when the standby has it", async () => {
  await primary.awaitStandby();
  const first = watched(primary.db.transaction(systemScope, (tx) => tx.query(keep("found"))));
  await primary.untilWaiting();
  await primary.cancelWaits();
  await first.settled;

  const repeat = watched(
    primary.db.transaction(systemScope, async (tx) => {
      const found = await tx.query("SELECT what FROM kept WHERE what = 'found'");
      await confirmEarlierCommits(tx);
      return found;
    }),
  );
  await primary.untilWaiting();
  expect(repeat.outcome()).toBe("pending");
  await primary.standbyConfirms();
  await repeat.settled;
  expect(repeat.outcome()).toEqual([{ what: "found" }]);
});

it("lets nobody who looks a transfer up hear of it before the standby has it", async () => {
  const book = await arrangeBook(primary);
  const input = await pairOf(book);
  expect(await outcomeOf(batcherOn(primary.db), book, input)).toEqual(isMade);
  await primary.awaitStandby();
  const lookUp = (requestId: string) =>
    watched(getTransferByRequestId(primary, book.token.principal, requestId));
  const found = lookUp(input.requestId as string);
  await primary.untilWaiting();
  expect(found.outcome()).toBe("pending");
  // Where nothing was found, there is nothing to make certain and nobody waits.
  const missing = lookUp("another");
  await missing.settled;
  expect(missing.outcome()).toMatchObject({ code: "transfer_not_found" });
  expect(found.outcome()).toBe("pending");
  await primary.standbyConfirms();
  await found.settled;
  expect(found.outcome()).toMatchObject({ requestId: input.requestId, amountMinor: 100n });
});

it("says that nothing was written when the database refused the commit itself", async () => {
  await primary.owner.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused at the commit'; END $$;
     CREATE CONSTRAINT TRIGGER late AFTER INSERT ON kept DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.what = 'late') EXECUTE FUNCTION refuse()`,
  );
  const commit = watched(primary.db.transaction(systemScope, (tx) => tx.query(keep("late"))));
  await commit.settled;
  expect(commit.outcome()).not.toBeInstanceOf(OutcomeUnknown);
  expect((commit.outcome() as Error).message).toBe("refused at the commit");
});
