import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { arrangeApplication } from "../testing/fixtures.ts";
import { arrangeTokenConsole, type TokenConsole } from "../testing/token-console.ts";
import { arrangeToken } from "../testing/token-fixture.ts";

// What holds for all routes of the room; the tests of each are beside its file.

let app: TokenConsole;
beforeAll(async () => {
  app = await arrangeTokenConsole();
});
afterAll(() => app.close());

describe("401", () => {
  it("comes first, whatever else is wrong with the request", async () => {
    for (const answer of [
      await app.call("/token-management/summary", { person: null }),
      await app.call("/tokens?find=%00", { person: null }),
      await app.call(`/applications/${app.sandbox}/tokens`, { person: null }),
      await app.call("/applications/x/tokens?status=?", { person: null }),
      await app.generate({ name: "" }, { person: null, key: null }),
      await app.revoke("x", { person: null, body: 7 }),
      await app.call("/tokens/tok_1", { person: null }),
      await app.call("/tokens/tok_1/subscription", { person: null, method: "PUT", raw: "{" }),
    ])
      expect(answer).toMatchObject({ status: 401, json: { code: "session_required" } });
  });
});

describe("403", () => {
  it("role_insufficient for those who may only look", async () => {
    const { json } = await app.generate();
    for (const person of [app.viewer, app.operatorViewer, app.operatorAdmin])
      expect(await app.generate({}, { person })).toMatchObject({
        status: 403,
        json: { code: "role_insufficient" },
      });
    const { tokenId } = json.token;
    for (const person of [app.viewer, app.operatorViewer])
      expect(await app.revoke(tokenId, { person })).toMatchObject({ status: 403 });
    for (const person of [app.viewer, app.operatorViewer, app.operatorAdmin])
      expect(await app.call(`/tokens/${tokenId}/keep`, { person, method: "POST" })).toMatchObject({
        status: 403,
      });
    expect(
      await app.call(`/tokens/${json.token.tokenId}/subscription`, {
        person: app.operatorAdmin,
        method: "PUT",
        body: { subscribed: true },
      }),
    ).toMatchObject({ status: 403 });
  });
});

describe("404", () => {
  it("is the same bytes for others' tokens and applications as for missing ones", async () => {
    const { json } = await app.generate();
    const mine = json.token.tokenId;
    const without = (text: string) => text.replaceAll(/req_\w+/g, "req");
    const requests: ((
      ids: { token: string; application: string },
      person: UserPrincipal,
    ) => Promise<{
      status: number;
      text: string;
      headers: Record<string, unknown>;
    }>)[] = [
      ({ token }, person) => app.call(`/tokens/${token}`, { person }),
      ({ token }, person) => app.revoke(token, { person }),
      ({ token }, person) => app.call(`/tokens/${token}/cut-over`, { person }),
      ({ token }, person) => app.call(`/tokens/${token}/keep`, { person, method: "POST" }),
      ({ token }, person) =>
        app.call(`/tokens/${token}/subscription`, { person, method: "PUT", body: { subscribed: true } }),
      ({ application }, person) => app.call(`/applications/${application}/tokens`, { person }),
      ({ application }, person) => app.generate({}, { person, application: application as ApplicationId }),
    ];
    const hidden = await arrangeApplication(app.database.owner, app.fintech);
    const hiddenToken = (await arrangeToken(app.database.owner, hidden, app.admin)).tokenId;
    for (const request of requests) {
      for (const [person, token, application] of [
        [app.stranger, mine, app.sandbox],
        [app.viewer, hiddenToken, hidden],
      ] as const) {
        const theirs = await request({ token, application }, person);
        const missing = await request({ token: "tok_missing", application: "app_missing" }, person);
        expect(theirs.status).toBe(404);
        expect(without(theirs.text)).toBe(without(missing.text));
        const shape = ({ headers }: typeof theirs) => Object.keys(headers).sort();
        expect(shape(theirs)).toEqual(shape(missing));
      }
    }
    expect((await app.call(`/tokens/${mine}`)).json.status).toBe("active");
  });
});
