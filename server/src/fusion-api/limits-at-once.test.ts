import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { limitedAccount } from "../testing/limits-fixture.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";

// Limits hold over several processes, however many transfers come at once.

const given = limitedAccount();
const { newHolder, issue, product, policy, load, balance } = given;

describe("at once", () => {
  /** The outcomes of 80 transfers of 100 that two processes made at once. */
  const ofTwoProcesses = (
    accountsOf: (at: number) => { readonly debitAccountId: string; readonly creditAccountId: string },
  ): Promise<string[]> => {
    const batchers = [1, 2].map(() => createTransferBatcher({ ...given.app, db: given.app.database.db }));
    return Promise.all(
      Array.from({ length: 80 }, (_, at) => {
        const { debitAccountId, creditAccountId } = accountsOf(at);
        return (batchers[at % 2] as (typeof batchers)[number])
          .submit({
            principal: given.client.token.principal,
            request: {
              requestId: randomUUID(),
              debitAccountId: debitAccountId as AccountId,
              creditAccountId: creditAccountId as AccountId,
              amountMinor: 100n,
              currency: "INR",
              transferCode: "A2A_P2P_AUTH",
              remarks: "",
              attributes: {},
            },
          })
          .then(
            () => "made",
            (error: { extensions?: { errorCode?: string } }) => error.extensions?.errorCode ?? String(error),
          );
      }),
    );
  };

  it("not one more than allowed gets through, over two processes and two accounts of one holder", async () => {
    const second = await issue(given.holder);
    for (const creditAccountID of [given.account, second]) await load(10_000, { creditAccountID });
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 15 }] });
    await policy({ limits: [{ period: "WEEK", direction: "DEBIT", maximumAmount: 2_000 }] });
    const answers = await ofTwoProcesses((at) => ({
      debitAccountId: at % 4 < 2 ? given.account : second,
      creditAccountId: given.funding,
    }));
    const made = answers.filter((answer) => answer === "made").length;
    expect(made).toBe(20);
    expect(new Set(answers)).toEqual(
      new Set(["made", ...answers.filter((one) => /^LE4000(02|12)$/.test(one))]),
    );
    expect((await balance()) + (await balance(second))).toBe(20_000 - 2_000);
  });

  it("not one more than a holder may hold comes in, over two processes and two accounts, from two others", async () => {
    const second = await issue(given.holder);
    // Each process has accounts of its own to lock; they share only the holder.
    const other = await issue(await newHolder());
    await load(10_000, { creditAccountID: other });
    await policy({ maximumBalance: 2_050 });
    const answers = await ofTwoProcesses((at) =>
      at % 2 === 0
        ? { debitAccountId: given.funding, creditAccountId: given.account }
        : { debitAccountId: other, creditAccountId: second },
    );
    expect(answers.filter((answer) => answer === "made")).toHaveLength(20);
    expect(new Set(answers)).toEqual(new Set(["made", "LE400007"]));
    expect((await balance()) + (await balance(second))).toBe(2_000);
  });
});
