import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { countUsageOn } from "../ledger/count-usage.ts";
import { lockForTransfers, postTransfers } from "../ledger/post.ts";
import { limitedAccount } from "../testing/limits-fixture.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";

// When a limit begins to apply, what was moved before it counts too, and is counted from the postings.

const given = limitedAccount();
const { newHolder, issue, product, policy, load, spend } = given;

describe("what is counted from the postings", () => {
  const onePaisa = (debitAccountID: string) => ({
    requestId: randomUUID(),
    debitAccountId: debitAccountID as AccountId,
    creditAccountId: given.funding as AccountId,
    amountMinor: 1n,
    currency: "INR",
    transferCode: "A2A_P2P_AUTH",
    remarks: "",
    attributes: {},
  });
  /** Makes this many transfers from the account in one transaction. */
  const spendOften = (times: number): Promise<unknown> =>
    given.app.database.db.transaction({ kind: "tenants", tenants: [given.client.tenant] }, async (tx) => {
      const wanted = { accountIds: [given.account as AccountId, given.funding as AccountId], requestIds: [] };
      const ledger = await lockForTransfers(tx, given.client.tenant, wanted, given.app.clock.now());
      const one = { kind: "transfer", requestedBy: "test" } as const;
      const transfers = Array.from({ length: times }, () => ({ ...onePaisa(given.account), ...one }));
      return postTransfers(tx, given.app, ledger, transfers, given.app.clock.now());
    });

  it("keeps no batch longer than its neighbours can wait: what takes more is counted outside", async () => {
    await load(10_000);
    // Some come before it in the order in which accounts are counted, some after it.
    const others: string[] = [];
    for (let made = 0; made < 4; made += 1) {
      const other = await issue(await newHolder());
      await load(10_000, { creditAccountID: other });
      others.push(other);
    }
    await spendOften(1_100);
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 1_101 }] });
    const batcher = createTransferBatcher({ ...given.app, db: given.app.database.db });
    const together = [given.account, ...others].map((debit) =>
      batcher.submit({ principal: given.client.token.principal, request: onePaisa(debit) }).then(
        () => "made",
        (error: { code?: string }) => error.code,
      ),
    );
    expect(await Promise.all(together)).toEqual(["limits_not_counted", ...others.map(() => "made")]);
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });

  it("leaves out reversals, which count for no limit", async () => {
    await load(1_000);
    await spend(400);
    const undone = await load(400, { transferCode: "ATLAS_P2M_AUTH-REVERSAL" });
    expect(undone.status).toBe(200);
    await product({
      limits: [{ period: "DAY", direction: "CREDIT", maximumCount: 2, maximumAmount: 1_500 }],
    });
    expect((await load(500)).status).toBe(200);
    expect((await load(1)).body.errorCode).toBe("LE400002");
  });

  it("is kept step by step, and counted once however many count it", async () => {
    await load(10_000);
    const second = await issue(given.holder);
    await load(10, { creditAccountID: second });
    await spendOften(30);
    await policy({ limits: [{ period: "YEAR", direction: "DEBIT", maximumAmount: 40 }] });
    const step = () =>
      countUsageOn(
        { ...given.app, db: given.app.database.db },
        given.client.tenant,
        { accountHolderId: given.holder },
        { postingsMax: 10 },
      );
    expect([await step(), await step()]).toEqual([false, false]);
    await Promise.all([step(), step(), step()]);
    expect([await step(), await step()]).toContain(true);
    expect((await spend(11)).body.errorCode).toBe("LE400015");
    expect((await spend(10, { debitAccountID: second })).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400015");
  });

  it("comes to the same however often the count was interrupted", async () => {
    const rules = { limits: [{ period: "YEAR", direction: "DEBIT", maximumCount: 100 }] };
    // Crosses the ends of a day, a month, a quarter and a year, within a week.
    for (const [at, limited] of [
      ["2026-12-28T18:29:00Z", true],
      ["2026-12-28T18:30:00Z", false],
      ["2026-12-31T18:29:00Z", true],
      ["2026-12-31T18:30:00Z", false],
      ["2027-01-03T18:29:00Z", true],
    ] as const) {
      given.app.clock.set(at);
      await product(limited ? rules : null);
      for (const answer of [await load(700), await spend(30)]) expect(answer.status).toBe(200);
    }
    const { rows } = await given.app.database.owner.query(
      `SELECT usage, usage_postings = posting_count AS complete, add_postings(array_fill(0::bigint, ARRAY[21]), ifi_id, environment, fintech_id,
         account_id, 1, posting_count, '2027-01-03', 'Asia/Kolkata')::text AS anew
       FROM account WHERE account_id = $1`,
      [given.account],
    );
    expect(rows).toEqual([
      { usage: rows[0].anew, complete: true, anew: expect.stringContaining(",1,30,5,150,2,60,") },
    ]);
  });

  it("includes a transfer that was decided just before the limit came", async () => {
    const [second, stranger] = [await issue(given.holder), await issue(await newHolder())];
    for (const creditAccountID of [given.account, second]) await load(10_000, { creditAccountID });
    await given.app.database.db.transaction(
      { kind: "tenants", tenants: [given.client.tenant] },
      async (tx) => {
        const [debitAccountId, creditAccountId] = [given.account as AccountId, stranger as AccountId];
        const wanted = { accountIds: [debitAccountId, creditAccountId], requestIds: [] };
        const ledger = await lockForTransfers(tx, given.client.tenant, wanted, given.app.clock.now());
        await tx.query(
          "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL transaction_timeout = 0",
        );
        await policy({ limits: [{ period: "DAY", direction: "DEBIT", maximumAmount: 1_000 }] });
        expect((await spend(100, { debitAccountID: second })).status).toBe(200);
        const transfer = { ...onePaisa(given.account), creditAccountId, amountMinor: 600n };
        const made = { ...transfer, kind: "transfer", requestedBy: "test" } as const;
        await postTransfers(tx, given.app, ledger, [made], given.app.clock.now());
      },
    );
    expect((await spend(301)).body.errorCode).toBe("LE400011");
    expect((await spend(300)).status).toBe(200);
  });

  it("that began before midnight has what was moved after it on the new day, over all accounts of a holder", async () => {
    const second = await issue(given.holder);
    given.app.clock.set("2026-11-25T18:29:00Z");
    for (const creditAccountID of [given.account, second]) await load(10_000, { creditAccountID });
    expect((await spend(100)).status).toBe(200);
    expect((await spend(10, { debitAccountID: second })).status).toBe(200);
    given.app.clock.set("2026-11-25T18:30:01Z");
    expect((await spend(40)).status).toBe(200);
    const used = async (name: "holder_usage_anew" | "account_usage"): Promise<number[]> => {
      const { ifiId, environment, fintechId } = given.client.tenant;
      const of = name === "account_usage" ? given.account : given.holder;
      const whole = name === "account_usage" ? ", true" : "";
      const { rows } = await given.app.database.owner.query(
        `SELECT usage FROM ${name}($1, $2, $3, $4, '2026-11-25', 'Asia/Kolkata', 1000${whole})`,
        [ifiId, environment, fintechId, of],
      );
      return rows[0].usage.map(Number);
    };
    const [thursday, day, week] = [Date.parse("2026-11-26T00:00:00Z") / 86_400_000, [1, 40], [2, 140]];
    expect((await used("account_usage")).slice(0, 5)).toEqual([thursday, ...day, ...week]);
    // The second account stopped on Wednesday.
    expect((await used("holder_usage_anew")).slice(0, 5)).toEqual([thursday, 1, 40, 3, 150]);
    given.app.clock.set("2026-11-25T18:29:59Z");
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumAmount: 200 }] });
    await countUsageOn({ ...given.app, db: given.app.database.db }, given.client.tenant, {
      accountId: given.account as AccountId,
    });
    given.app.clock.set("2026-11-25T18:30:02Z");
    expect((await spend(161)).body.errorCode).toBe("LE400011");
    expect((await spend(160)).status).toBe(200);
  });

  it("begins with the first minute of the bank's year", async () => {
    given.app.clock.set("2026-12-31T18:29:00Z");
    await load(10_000);
    expect((await spend(400)).status).toBe(200);
    given.app.clock.set("2026-12-31T18:30:00Z");
    expect((await spend(600)).status).toBe(200);
    given.app.clock.set("2027-01-11T03:00:00Z");
    await product({ limits: [{ period: "YEAR", direction: "DEBIT", maximumAmount: 1_000 }] });
    expect((await spend(401)).body.errorCode).toBe("LE400015");
    expect((await spend(400)).status).toBe(200);
  });
});
