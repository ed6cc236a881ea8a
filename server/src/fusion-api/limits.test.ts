import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { limitedAccount } from "../testing/limits-fixture.ts";

// Wire contract, section 3.4: each LE code that a limit can give, on real transfers.

const given = limitedAccount();
const { product, load, spend, balance } = given;

describe("a limit of an account product", () => {
  it.each([
    ["LE400001", { period: "TRANSACTION", maximumAmount: 499 }],
    ["LE400009", { period: "TRANSACTION", minimumAmount: 501 }],
  ] as const)("%s: bounds one transfer", async (errorCode, limit) => {
    await load(10_000);
    await product({ limits: [limit] });
    const refused = await spend(500);
    expect(refused).toMatchObject({
      status: 403,
      body: { errorCode, code: "limit_exceeded", details: { limitOf: "product", limitName: "Wallet" } },
    });
    expect(await balance()).toBe(10_000);
    expect((await spend(errorCode === "LE400001" ? 499 : 501)).status).toBe(200);
    // The limit does not apply to the other direction.
    expect((await load(500)).status).toBe(200);
  });

  it.each([
    ["DAY", "LE400002", "LE400011", "2026-11-25T18:29:59Z", "2026-11-25T18:30:00Z"],
    ["WEEK", "LE400003", "LE400012", "2026-11-29T18:29:59Z", "2026-11-29T18:30:00Z"],
    ["MONTH", "LE400004", "LE400013", "2026-11-30T18:29:59Z", "2026-11-30T18:30:00Z"],
    ["QUARTER", "LE400005", "LE400014", "2026-12-31T18:29:59Z", "2026-12-31T18:30:00Z"],
    ["YEAR", "LE400006", "LE400015", "2026-12-31T18:29:59Z", "2026-12-31T18:30:00Z"],
  ] as const)(
    "counts over a %s of the bank's time: %s and %s",
    async (period, tooMany, tooMuch, last, next) => {
      await load(10_000);
      await product({ limits: [{ period, direction: "DEBIT", maximumAmount: 1_000, maximumCount: 3 }] });
      expect((await spend(400)).status).toBe(200);
      expect((await spend(601)).body.errorCode).toBe(tooMuch);
      expect((await spend(600)).status).toBe(200);
      expect((await spend(1)).body.errorCode).toBe(tooMuch);
      await product({ limits: [{ period, direction: "DEBIT", maximumCount: 2 }] });
      // What was moved before also counts under the new limit.
      expect((await spend(1)).body.errorCode).toBe(tooMany);
      given.app.clock.set(last);
      expect((await spend(1)).body.errorCode).toBe(tooMany);
      given.app.clock.set(next);
      expect((await spend(1)).status).toBe(200);
      expect(await balance()).toBe(10_000 - 1_001);
    },
  );

  it("LE400007: bounds what the account may hold", async () => {
    await product({ maximumBalance: 1_000 });
    expect((await load(1_001)).body.errorCode).toBe("LE400007");
    expect((await load(1_000)).status).toBe(200);
    expect((await load(1)).body.errorCode).toBe("LE400007");
  });

  it("LE400020, LE400021: by transfer code", async () => {
    await product({ disallowedTransferCodes: ["ATLAS_ATM_AUTH"] });
    expect((await load(1, { transferCode: "ATLAS_ATM_AUTH" })).body.errorCode).toBe("LE400020");
    await product({ allowedTransferCodes: ["ATLAS_LOAD_AUTH"] });
    expect((await load(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400021");
  });

  it("is set without waiting for a transfer of one of its accounts, or keeping any waiting", async () => {
    await load(1_000);
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 1 }] });
    expect((await spend(1)).status).toBe(200);
    const other = await given.app.database.owner.connect();
    await other.query("BEGIN");
    await other.query("SELECT FROM account WHERE account_id = $1 FOR UPDATE", [given.account]);
    const set = product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 2 }] });
    const first = await Promise.race([set.then(() => "set"), sleep(15_000, "still waiting")]);
    await other.query("ROLLBACK");
    other.release();
    await set;
    expect(first).toBe("set");
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });

  it("can be removed", async () => {
    await product({ limits: [{ period: "DAY", direction: "CREDIT", maximumCount: 0 }] });
    expect((await load(1)).body.errorCode).toBe("LE400002");
    await product(null);
    expect((await load(1)).status).toBe(200);
  });
});

describe("what counts", () => {
  it("is what moved: not what was refused, nor a repeat of a request", async () => {
    await load(1_000);
    await product({ limits: [{ period: "DAY", maximumAmount: 1_000, maximumCount: 3 }] });
    const requestID = randomUUID();
    expect((await spend(400, { requestID })).status).toBe(200);
    expect((await spend(400, { requestID })).status).toBe(200);
    expect((await spend(700)).body.errorCode).toBe("LE400008");
    expect((await spend(600)).status).toBe(200);
    // A repeat is answered even when nothing more is allowed.
    expect((await spend(400, { requestID })).status).toBe(200);
  });

  it("is no reversal, and none is stopped", async () => {
    await product({ limits: [{ period: "DAY", direction: "CREDIT", maximumCount: 1 }] });
    const { body } = await load(100);
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 0 }] });
    expect((await spend(100)).body.errorCode).toBe("LE400002");
    const reversal = {
      transferCode: "ATLAS_LOAD_AUTH-REVERSAL",
      attributes: { originalTransferID: body.transferID },
    };
    expect((await spend(100, reversal)).status).toBe(200);
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 1, maximumAmount: 60 }] });
    await load(200);
    expect((await spend(60)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });
});
