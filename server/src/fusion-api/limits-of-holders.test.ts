import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { individualBody } from "../testing/fusion-fixture.ts";
import { decideOn, postToV2 } from "../testing/holder-application-fixture.ts";
import { limitedAccount } from "../testing/limits-fixture.ts";

// Wire contract, section 3.4: the LE codes of limits that bound all accounts of a holder, by KYC level or policy.

const given = limitedAccount();
const { newHolder, issue, kyc, policy, load, spend } = given;

describe("a limit of a holder", () => {
  it("of the KYC level covers all their accounts together, and nobody else's", async () => {
    const second = await issue(given.holder);
    const stranger = await issue(await newHolder());
    await load(1_000);
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "CREDIT", maximumAmount: 2_000 }] });
    const refused = await load(1_001, { creditAccountID: second });
    expect(refused.body).toMatchObject({
      errorCode: "LE400013",
      details: { limitOf: "kyc", limitName: "MINIMAL", accountID: second },
    });
    expect((await load(1_000, { creditAccountID: second })).status).toBe(200);
    expect((await load(1)).body.errorCode).toBe("LE400013");
    expect((await load(2_000, { creditAccountID: stranger })).status).toBe(200);
    await kyc("MINIMAL", null);
    expect((await load(1)).status).toBe(200);
  });

  it("LE400007: bounds what all their accounts hold together, however it came there", async () => {
    const [second, stranger] = [await issue(given.holder), await issue(await newHolder())];
    await kyc("MINIMAL", { maximumBalance: 1_000 });
    expect((await load(600)).status).toBe(200);
    expect((await load(401, { creditAccountID: second })).body).toMatchObject({
      errorCode: "LE400007",
      details: { limitOf: "kyc", limitName: "MINIMAL", accountID: second },
    });
    expect((await load(400, { creditAccountID: second })).status).toBe(200);
    expect((await load(1)).body.errorCode).toBe("LE400007");
    // Transfers between the holder's own accounts add nothing, and other holders have a maximum of their own.
    expect((await spend(600, { creditAccountID: second })).status).toBe(200);
    expect((await load(1_000, { creditAccountID: stranger })).status).toBe(200);
    expect((await spend(300, { debitAccountID: second })).status).toBe(200);
    expect((await load(301)).body.errorCode).toBe("LE400007");
    const { body } = await load(300);
    const reversal = {
      transferCode: "ATLAS_LOAD_AUTH-REVERSAL",
      attributes: { originalTransferID: body.transferID },
    };
    expect((await spend(300, reversal)).status).toBe(200);
    expect((await load(300)).status).toBe(200);
  });

  it("is the level's after its expiry", async () => {
    await kyc("KYC_EXPIRED", { limits: [{ period: "TRANSACTION", direction: "CREDIT", maximumAmount: 0 }] });
    expect((await load(1)).status).toBe(200);
    await given.app.database.owner.query(
      "UPDATE account_holder_association SET kyc_expires_at = $2, kyc_status_post_expiry = 'KYC_EXPIRED' WHERE account_holder_id = $1",
      [given.holder, given.app.clock.now()],
    );
    expect((await load(1)).body.errorCode).toBe("LE400001");
  });

  it("counts what was moved at a level that limits nothing", async () => {
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 1_000 }] });
    await load(10_000);
    expect((await spend(600)).status).toBe(200);
    expect((await spend(500)).body.errorCode).toBe("LE400013");
    const { body } = await postToV2(
      given.app,
      given.client,
      `/accountHolders/${given.holder}/createApplication`,
      {
        requestID: randomUUID(),
        kycDetails: {
          kycStatus: "AADHAAR_OTP",
          kycStatusPostExpiry: "MINIMAL",
          expiryTime: "2026-11-27T00:00:00Z",
          authType: "AADHAAR",
          authData: { AADHAAR: String(Math.random()).slice(2, 14) },
        },
      },
    );
    await decideOn(given.app, body.applicationID);
    expect((await spend(5_000)).status).toBe(200);
    given.app.clock.set("2026-11-28T05:30:00Z");
    expect((await spend(300)).body.errorCode).toBe("LE400013");
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 5_900 }] });
    expect((await spend(300)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400013");
  });

  it.each([
    ["a better level", { kycStatus: "AADHAAR_OTP" }],
    ["one that there is not", { kycStatus: "WHATEVER" }],
    ["one in other letters", { kycStatus: " minimal" }],
    ["one after expiry", { kycStatusPostExpiry: "NONE", expiryTime: "2026-11-24T00:00:00Z" }],
  ])("is not shaken off by a fintech that claims %s", async (_what, claim) => {
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 1_000 }] });
    await kyc("AADHAAR_OTP", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 5_000 }] });
    const body = individualBody();
    const claimed = await given.client.post("/applications/newIndividual", {
      ...body,
      kycDetails: { ...(body.kycDetails as object), ...claim },
    });
    expect(claimed.body.status).toBe("APPROVED");
    given.account = await issue(claimed.body.individualID);
    await load(10_000);
    expect((await spend(1_001)).body).toMatchObject({
      errorCode: "LE400013",
      details: { limitOf: "kyc", limitName: "MINIMAL" },
    });
    expect((await spend(1_000)).status).toBe(200);
  });

  it("is that of the level which the bank gave, until it expires", async () => {
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 1_000 }] });
    await kyc("AADHAAR_OTP", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 5_000 }] });
    const { formID: _, ...person } = individualBody();
    const { body } = await postToV2(given.app, given.client, "/applications/newIndividualApplication", {
      ...person,
      requestID: randomUUID(),
      kycDetails: {
        ...(person.kycDetails as object),
        kycStatus: "aadhaar_otp",
        kycStatusPostExpiry: "NONE",
        expiryTime: "2026-11-27T00:00:00Z",
      },
    });
    given.account = await issue((await decideOn(given.app, body.applicationID)).accountHolderId as string);
    await load(10_000);
    expect((await spend(1_001)).status).toBe(200);
    expect((await spend(4_000)).body).toMatchObject({ details: { limitName: "AADHAAR_OTP" } });
    given.app.clock.set("2026-11-28T05:30:00Z");
    expect((await spend(1)).body).toMatchObject({ details: { limitName: "MINIMAL" } });
  });

  it("of a policy is the fintech's own, beside the others", async () => {
    await load(1_000);
    await policy({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 1 }] });
    await policy({ disallowedTransferCodes: ["ATLAS_ATM_AUTH"] });
    expect((await spend(1, { transferCode: "ATLAS_ATM_AUTH" })).body).toMatchObject({
      errorCode: "LE400020",
      details: { limitOf: "policy" },
    });
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });

  it("of a policy ends when it is disabled, and counts all that was moved when it is enabled again", async () => {
    await load(1_000);
    const { body } = await policy({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 2 }] });
    const set = (status: string) =>
      given.client.patch(`/accountHolders/${given.holder}/transactionPolicies/${body.id}`, { status });
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
    expect((await set("disabled")).body).toEqual({ ...body, status: "DISABLED" });
    expect((await spend(1)).status).toBe(200);
    expect((await set("ENABLED")).body).toEqual(body);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });

  it("of a policy's transfer codes is about debits, unless a direction is given", async () => {
    const codes = { allowedTransferCodes: ["ATLAS_P2M_AUTH"], disallowedTransferCodes: ["ATLAS_ATM_AUTH"] };
    await policy(codes);
    expect((await load(1_000)).status).toBe(200);
    expect((await load(1_000, { transferCode: "ATLAS_ATM_AUTH" })).status).toBe(200);
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1, { transferCode: "ATLAS_ATM_AUTH" })).body.errorCode).toBe("LE400020");
    expect((await spend(1, { transferCode: "ATLAS_P2P_AUTH" })).body.errorCode).toBe("LE400021");
    const { body } = await policy({ ...codes, transferCodeDirection: "CREDIT" });
    expect(body).toMatchObject({ ...codes, transferCodeDirection: "CREDIT" });
    expect((await load(1)).body).toMatchObject({ errorCode: "LE400021", details: { limitName: body.name } });
    expect((await load(1, { transferCode: "ATLAS_P2M_AUTH" })).status).toBe(200);
    expect((await spend(1)).status).toBe(200);
  });
});
