import { TokenList, TokensAcross } from "@fusion/contract/tokens.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeApplication } from "../../testing/fixtures.ts";
import { arrangeTokenConsole, type TokenConsole } from "../../testing/token-console.ts";
import { arrangeToken } from "../../testing/token-fixture.ts";

let app: TokenConsole;
beforeAll(async () => {
  app = await arrangeTokenConsole();
});
afterAll(() => app.close());

describe("2xx", () => {
  it("200: the list is narrowed to what is in the name, begins the id or ends the hint, and its counts are not", async () => {
    const application = await arrangeApplication(app.database.owner, app.fintech);
    const made = [];
    for (const name of ["Payroll 100%", "payroll_eu", "Reports"])
      made.push((await app.generate({ name }, { application })).json.token);
    const found = async (find: string, more = "") => {
      const { json } = await app.call(
        `/applications/${application}/tokens?find=${encodeURIComponent(find)}${more}`,
      );
      expect(json.counts.all).toBe(3);
      return json.tokens.map(({ name }: { name: string }) => name);
    };
    expect(await found("PAYROLL")).toEqual(["payroll_eu", "Payroll 100%"]);
    expect(await found("payroll", "&status=revoked")).toEqual([]);
    // No wildcards.
    expect(await found("0%")).toEqual(["Payroll 100%"]);
    expect(await found("l_e")).toEqual(["payroll_eu"]);
    expect(await found(`  ${made[2].tokenId.slice(0, 12)} `)).toEqual(["Reports"]);
    expect(await found(made[2].hint.slice(-4))).toEqual(["Reports"]);
    expect(await found("fus_")).toEqual([]);
    expect(await found("")).toHaveLength(3);
  });

  it("200: a token is found without its application, by whoever may see it and by nobody else", async () => {
    const hidden = await arrangeApplication(app.database.owner, app.fintech);
    const [seen, unseen] = [
      (await app.generate({ name: "Kochi ferry 1" })).json,
      (await app.generate({ name: "kochi ferry 2" }, { application: hidden })).json,
    ];
    const found = async (find: string, person = app.admin) => {
      const { tokens } = TokensAcross.parse(
        (await app.call(`/tokens?find=${encodeURIComponent(find)}`, { person })).json,
      );
      return tokens.map(({ name }) => name);
    };
    const operators = [app.operatorAdmin, app.operatorViewer];
    const both = ["kochi ferry 2", "Kochi ferry 1"];
    expect(await found("KOCHI")).toEqual(both);
    expect(await found("kochi", app.viewer)).toEqual(["Kochi ferry 1"]);
    expect(await found("kochi", app.stranger)).toEqual([]);
    for (const { token, secret } of [seen, unseen]) {
      const mine = [token.name];
      const viewers = token === seen.token ? mine : [];
      for (const find of [token.tokenId, token.hint, token.hint.slice(-4)]) {
        expect(await found(find)).toEqual(mine);
        expect(await found(find, app.viewer)).toEqual(viewers);
        expect(await found(find, app.stranger)).toEqual([]);
        for (const person of operators) expect(await found(find, person)).toEqual(mine);
      }
      expect(await found(token.tokenId.slice(0, 12))).toEqual(mine);
      expect(await found(secret)).toEqual([]);
    }
    // Searches that would have to read every token.
    for (const find of ["kochi", seen.token.tokenId.slice(0, 12), seen.token.hint.slice(-3), "fus_test_…"])
      expect(await found(find, app.operatorAdmin)).toEqual([]);
    const { json } = await app.call(`/tokens?find=${seen.token.tokenId}`, { person: app.operatorViewer });
    expect(json.tokens).toEqual([
      {
        ...(await app.call(`/applications/${app.sandbox}/tokens?find=${seen.token.tokenId}`)).json.tokens[0],
        applicationName: (await app.call(`/tokens/${seen.token.tokenId}`)).json.applicationName,
        fintechName: `Fintech ${app.fintech.fintechId.slice(0, 8)}`,
      },
    ]);
  });

  it("200: what is found over all applications comes in pages, each token once, after none of another's", async () => {
    const application = await arrangeApplication(app.database.owner, app.fintech);
    const createdAt = new Date(app.clock.now().getTime() - 60_000);
    for (let made = 0; made < 25; made += 1)
      await arrangeToken(app.database.owner, made % 2 ? application : app.sandbox, app.admin, {
        name: `Puri ${made}`,
        // Some at the same instant, so that the id must decide.
        createdAt: new Date(createdAt.getTime() - Math.floor(made / 3)),
      });
    const first = TokensAcross.parse((await app.call("/tokens?find=puri")).json);
    expect(first.tokens).toHaveLength(20);
    const second = TokensAcross.parse((await app.call(`/tokens?find=puri&cursor=${first.nextCursor}`)).json);
    expect(second.nextCursor).toBe(null);
    const all = [...first.tokens, ...second.tokens];
    expect(new Set(all.map(({ tokenId }) => tokenId)).size).toBe(25);
    const times = all.map((token) => token.createdAt);
    expect(times).toEqual([...times].sort().reverse());
    expect(
      (await app.call(`/tokens?find=puri&cursor=${first.nextCursor}`, { person: app.stranger })).json,
    ).toEqual({
      tokens: [],
      nextCursor: null,
    });
  });

  it("200: the list pages through all tokens once, and filters and counts agree with the status", async () => {
    const application = await arrangeApplication(app.database.owner, app.fintech);
    const made = [];
    const day = 86_400_000;
    for (let index = 0; index < 120; index += 1) {
      // In pairs of the same instant, so that the id must decide.
      const createdAt = new Date(app.clock.now().getTime() - (60 + Math.floor(index / 2)) * day);
      const expiresAt = new Date(app.clock.now().getTime() + ([-1, 3, 15, 40][index % 4] as number) * day);
      made.push(await arrangeToken(app.database.owner, application, app.admin, { createdAt, expiresAt }));
    }
    for (const { tokenId } of made.slice(0, 8)) await app.revoke(tokenId);
    for (const status of ["all", "active", "expiring", "expired", "revoked"] as const) {
      const seen: { tokenId: string; status: string; createdAt: string }[] = [];
      let cursor = "";
      let counts: Record<string, number> = {};
      do {
        const page = TokenList.parse(
          (await app.call(`/applications/${application}/tokens?status=${status}${cursor}`)).json,
        );
        seen.push(...page.tokens);
        counts = page.counts;
        cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : "";
      } while (cursor);
      expect(new Set(seen.map((token) => token.tokenId)).size).toBe(seen.length);
      expect(seen.length).toBe(counts[status]);
      const times = seen.map((token) => token.createdAt);
      expect(times).toEqual([...times].sort().reverse());
      const allowed = { all: null, active: ["active", "expiring"] }[status as string];
      if (allowed !== null) for (const token of seen) expect(allowed ?? [status]).toContain(token.status);
    }
    const { counts } = (await app.call(`/applications/${application}/tokens`)).json;
    expect(counts).toEqual({ all: 120, active: 84, expiring: 56, expired: 28, revoked: 8 });
  });
});

describe("400", () => {
  it("refuses unknown filters and cursors", async () => {
    expect(await app.call(`/applications/${app.sandbox}/tokens?status=dead`)).toMatchObject({ status: 400 });
    expect(await app.call(`/applications/${app.sandbox}/tokens?cursor=%00`)).toMatchObject({ status: 400 });
    expect(await app.call(`/applications/${app.sandbox}/tokens?find=a%00`)).toMatchObject({ status: 400 });
    for (const query of ["find=a%00", `find=${"x".repeat(101)}`, "cursor=%00"])
      expect(await app.call(`/tokens?${query}`)).toMatchObject({ status: 400 });
    expect(await app.call(`/applications/${app.sandbox}/tokens?status=all&status=all`)).toMatchObject({
      status: 400,
    });
  });
});

describe("404", () => {
  it("and others' figures do not count", async () => {
    const { json } = await app.call("/token-management/summary", { person: app.stranger });
    expect(json).toEqual({
      ...{ active: 0, expiringWithin15Days: 0, unusedFor90Days: 0 },
      ...{ nextToExpire: null, lastExpired: null },
    });
  });
});
