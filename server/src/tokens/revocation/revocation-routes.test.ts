import { RevocationReceipt, RevokedToken, TokenDetails } from "@fusion/contract/tokens.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeTokenConsole, type TokenConsole } from "../../testing/token-console.ts";
import { arrangeToken } from "../../testing/token-fixture.ts";

let app: TokenConsole;
beforeAll(async () => {
  app = await arrangeTokenConsole();
});
afterAll(() => app.close());

describe("2xx", () => {
  it("200: revoking states a fact, and repeats it", async () => {
    const { json } = await app.generate();
    const first = await app.revoke(json.token.tokenId);
    expect(first.status).toBe(200);
    expect(RevokedToken.parse(first.json)).toMatchObject({
      tokenId: json.token.tokenId,
      hint: json.token.hint,
      reason: "compromised",
      by: app.admin.name,
    });
    const again = await app.revoke(json.token.tokenId, {
      body: { reason: "replaced" },
      person: app.operatorAdmin,
    });
    expect(again.json).toEqual(first.json);
    const details = TokenDetails.parse((await app.call(`/tokens/${json.token.tokenId}`)).json);
    expect(details).toMatchObject({
      status: "revoked",
      revocation: { by: app.admin.name, reason: "compromised" },
    });
  });

  it("200: the receipt of a revocation, to its owner, as the revocation answered it", async () => {
    const { tokenId } = await arrangeToken(app.database.owner, app.sandbox, app.admin);
    const revoked = RevokedToken.parse((await app.revoke(tokenId)).json);
    for (const person of [app.admin, app.viewer, app.operatorViewer]) {
      const answer = await app.call(`/receipts/${revoked.receiptId}`, { person });
      expect(answer.status).toBe(200);
      expect(RevocationReceipt.parse(answer.json)).toEqual({
        receiptId: revoked.receiptId,
        tokenId,
        revokedAt: revoked.revokedAt,
        effectiveAt: revoked.effectiveAt,
        nodes: revoked.nodes,
      });
    }
    const missing = await app.call("/receipts/rcp_none", { person: app.stranger });
    const theirs = await app.call(`/receipts/${revoked.receiptId}`, { person: app.stranger });
    expect([missing.status, theirs.status]).toEqual([404, 404]);
    expect({ ...theirs.json, request_id: "" }).toEqual({ ...missing.json, request_id: "" });
    expect((await app.call(`/receipts/${revoked.receiptId}`, { person: null })).status).toBe(401);
  });
});

describe("400", () => {
  it("refuses unknown reasons", async () => {
    const { json } = await app.generate();
    for (const body of [{}, { reason: "because" }, [], null, { reason: ["compromised"] }])
      expect(await app.revoke(json.token.tokenId, { body })).toMatchObject({ status: 400 });
  });
});
