import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { manualClock } from "../platform/clock.ts";
import { createHttpServer, type HttpServer } from "../platform/http/server.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { createTestTokenCheck } from "../testing/test-token-check.ts";
import { arrangeToken, endedBefore, type TestToken } from "../testing/token-fixture.ts";
import { revokeToken } from "../tokens/revocation/revoke-token.ts";
import { tellAdmins } from "../tokens/tell-admins.ts";
import { generateSecret } from "../tokens/token-secret.ts";
import { registerSecretScanningRoutes } from "./routes.ts";
import { createScannerKeys } from "./scanner-keys.ts";

// POST /secret-scanning/reports, with the test's own keys in the list.

const scanner = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const stranger = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const address = "https://keys.example/secret_scanning";
const keyList = (keys: Record<string, KeyObject>): string =>
  JSON.stringify({
    public_keys: Object.entries(keys).map(([key_identifier, key]) => ({
      key_identifier,
      key: key.export({ type: "spki", format: "pem" }),
      is_current: true,
    })),
  });

let app: TestApp;
let fintech: TestFintech;
let person: UserPrincipal;
let applicationId: ApplicationId;
let token: TestToken;
beforeAll(async () => {
  app = await createTestApp({
    settings: { secretScanningKeys: address },
    parts: {
      fetchText: async (asked) => {
        expect(asked).toBe(address);
        return keyList({ scanner: scanner.publicKey });
      },
    },
  });
  fintech = await arrangeFintech(app.database.owner);
  person = await arrangeUser(app.database.owner, fintech, "fintech_admin");
  applicationId = await arrangeApplication(app.database.owner, fintech);
});
afterAll(() => app?.close());
beforeEach(async () => {
  token = await arrangeToken(app.database.owner, applicationId, person);
});

function report(
  content: unknown,
  {
    key = scanner.privateKey,
    identifier = "scanner",
    sent,
    to = app.http,
  }: { key?: KeyObject; identifier?: string; sent?: string; to?: HttpServer } = {},
) {
  const body = typeof content === "string" ? content : JSON.stringify(content);
  return to.inject({
    method: "POST",
    url: "/secret-scanning/reports",
    headers: {
      "content-type": "application/json",
      "github-public-key-identifier": identifier,
      "github-public-key-signature": sign("sha256", Buffer.from(body), key).toString("base64"),
    },
    payload: sent ?? body,
  });
}
const found = (secret: string, url: string | null = "https://github.com/acme/app/blob/main/.env") => ({
  token: secret,
  type: "fusion_token",
  url,
  source: "content",
});
const others = async (count: number): Promise<TestToken[]> => {
  const made: TestToken[] = [];
  while (made.length < count) made.push(await arrangeToken(app.database.owner, applicationId, person));
  return made;
};
const check = async (of: TestToken): Promise<string> => {
  const { headers } = await app.http.inject({
    url: "/gateway/check",
    headers: { "x-zeta-authtoken": of.secret },
  });
  return String(headers["x-fusion-refusal"] ?? "passes");
};

const checkedBy = async ({ tokenCheck }: ReturnType<typeof createTestTokenCheck>, of: TestToken) =>
  (await tokenCheck.check(of.secret))?.refusal;

describe("a report", () => {
  it("ends the tokens in it, and says which were ours by their hashes alone", async () => {
    const unknown = generateSecret(app.random, "live");
    const response = await report([found(token.secret), found(unknown), found("fus_live_junk")]);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual(
      [token.secret, unknown, "fus_live_junk"].map((secret, at) => ({
        token_hash: createHash("sha256").update(secret).digest("base64"),
        token_type: "fusion_token",
        label: at === 0 ? "true_positive" : "false_positive",
      })),
    );
    expect(await check(token)).toBe("token_revoked");
    const { rows } = await app.database.owner.query(
      "SELECT revoked_by_kind, revoked_by_name, revoke_reason FROM token WHERE token_id = $1",
      [token.tokenId],
    );
    expect(rows).toEqual([
      { revoked_by_kind: "system", revoked_by_name: "Secret scanning", revoke_reason: "compromised" },
    ]);
  });

  it("leaves the place in the token's history, once, and tells the admins, also of a sandbox token", async () => {
    await report([found(token.secret)]);
    await report([
      found(token.secret),
      found(token.secret, "javascript:alert(1)"),
      found(token.secret, null),
    ]);
    const { owner, db } = app.database;
    const history = await owner.query(
      "SELECT actor_kind, actor_name, details FROM audit_entry WHERE object_id = $1 AND action = 'token.found' ORDER BY audit_entry.ctid",
      [token.tokenId],
    );
    expect(history.rows).toEqual(
      ["https://github.com/acme/app/blob/main/.env", null].map((url) => ({
        actor_kind: "system",
        actor_name: "Secret scanning",
        details: { url, source: "content" },
      })),
    );
    const jobs = await owner.query("SELECT payload FROM graphile_worker._private_jobs WHERE key = $1", [
      `tokens-announce/revoked/${token.tokenId}`,
    ]);
    expect(jobs.rows).toEqual([{ payload: { event: "revoked", tokenId: token.tokenId } }]);

    const { clock, random } = app;
    await tellAdmins(
      { db, clock, random, publicUrl: "https://fusion.example" },
      { event: "revoked", tokenId: token.tokenId },
    );
    const letters = await owner.query("SELECT subject, text FROM outgoing_message WHERE message_id = $1", [
      `revoked.${token.tokenId}.${person.userId}`,
    ]);
    expect(letters.rows[0].subject).toMatch(/^Sandbox token ".+" was revoked$/);
    expect(letters.rows[0].text).toContain(
      "It was found in public: https://github.com/acme/app/blob/main/.env",
    );
    expect(letters.rows[0].text).toContain("Secret scanning revoked it");
  });

  it("leaves no token anywhere, also where one stands in the address of the place", async () => {
    const [other] = (await others(1)) as [TestToken];
    await report([
      found(token.secret, `https://git.example/search?q=${token.secret}&and=${other.secret}`),
      found(token.secret, `https://git.example/${"x".repeat(970)}/${other.secret}`),
    ]);
    const { rows } = await app.database.owner.query(
      "SELECT details->>'url' AS url FROM audit_entry WHERE object_id = $1 AND action = 'token.found' ORDER BY audit_entry.ctid",
      [token.tokenId],
    );
    expect(rows.map(({ url }) => url.replace(/x{2,}/, ""))).toEqual([
      "https://git.example/search?q=fus_test_***&and=fus_test_***",
      "https://git.example//fus_test_",
    ]);
  });

  it("of a token that has ended changes nothing but its history", async () => {
    const expired = await arrangeToken(app.database.owner, applicationId, person, endedBefore());
    expect((await report([found(expired.secret)])).json()[0].label).toBe("true_positive");
    expect(await check(expired)).toBe("token_expired");
  });
});

describe("a long report", () => {
  it("waits once for all its tokens; what was revoked meanwhile or is not ours changes nothing, nor that it is sent again", async () => {
    const { db, owner } = app.database;
    const others = await arrangeFintech(owner);
    const theirs = await arrangeApplication(owner, others);
    const tokens: TestToken[] = [];
    for (const of of [applicationId, theirs])
      for (let made = 0; made < 10; made += 1) tokens.push(await arrangeToken(owner, of, person));
    const [revoked, meanwhile] = tokens as [TestToken, TestToken];
    const check = createTestTokenCheck(db);
    const deps = { db, clock: app.clock, random: app.random, nodes: check.nodes };
    const byPerson = ({ tokenId }: TestToken) =>
      revokeToken(deps, person, { tokenId, reason: "person_left" });
    await byPerson(revoked);
    let waits = 0;
    const http = createHttpServer({ log: silentLog(), random: app.random, trustedProxies: [] });
    registerSecretScanningRoutes(http, {
      ...deps,
      nodes: {
        untilAllKnow(epoch) {
          waits += 1;
          // The first wait for a node fails, and the scanner sends its report again.
          if (waits === 1) return Promise.reject(new Error("no node answers"));
          return check.nodes.untilAllKnow(epoch);
        },
      },
      tokenCheck: {
        ...check.tokenCheck,
        async check(secret) {
          const known = await check.tokenCheck.check(secret);
          if (secret === meanwhile.secret && known?.refusal === null) await byPerson(meanwhile);
          return known;
        },
      },
      findScannerKey: async () => scanner.publicKey,
    });
    const unknown = generateSecret(app.random, "live");
    const findings = [...tokens, ...tokens.slice(5, 9)]
      .map(({ secret }) => found(secret))
      .concat(found(unknown));
    expect((await report(findings, { to: http })).statusCode).toBe(503);
    expect(waits).toBe(1);
    await app.database.untilNodesKnow(); // By then its tokens count as revoked.
    const response = await report(findings, { to: http });
    expect(response.statusCode).toBe(200);
    expect(response.json().map(({ label }: { label: string }) => label)).toEqual([
      ...Array(24).fill("true_positive"),
      "false_positive",
    ]);
    expect(waits).toBe(2);
    for (const each of tokens) expect(await checkedBy(check, each)).toBe("token_revoked");
    const reasons = async (action: string) =>
      (
        await owner.query(
          `SELECT object_id, count(*)::int AS entries, max(details->>'reason') AS reason FROM audit_entry
           WHERE action = $1 AND object_id = ANY ($2) GROUP BY object_id`,
          [action, tokens.map(({ tokenId }) => tokenId)],
        )
      ).rows;
    const expected = tokens.map(({ tokenId }) => ({
      object_id: tokenId,
      entries: 1,
      reason: [revoked.tokenId, meanwhile.tokenId].includes(tokenId) ? "person_left" : "compromised",
    }));
    expect(await reasons("token.revoked")).toEqual(expect.arrayContaining(expected));
    expect(await reasons("token.found")).toHaveLength(tokens.length);
    const told = await owner.query("SELECT payload FROM graphile_worker._private_jobs WHERE key LIKE $1", [
      "tokens-announce-revocations/%",
    ]);
    const named = told.rows.flatMap(({ payload }) => payload.tokenIds);
    for (const { tokenId } of tokens)
      expect([tokenId, named.includes(tokenId)]).toEqual([
        tokenId,
        tokenId !== revoked.tokenId && tokenId !== meanwhile.tokenId,
      ]);
    await http.close();
    await check.close();
  });
});

describe("an odd match", () => {
  const label = (response: Awaited<ReturnType<typeof report>>) =>
    response.json().map((verdict: { label: string }) => verdict.label);

  it("keeps no token alive that is reported with it", async () => {
    const unknown = generateSecret(app.random, "live");
    for (const odd of [
      { ...found(unknown), url: `https://github.com/a/b/blob/main/${"%E0%A4%85".repeat(450)}` },
      { ...found(unknown), url: 7, source: "x".repeat(10_000) },
      { ...found(unknown), type: null },
      { ...found(unknown), type: "x".repeat(10_000) },
      found("x".repeat(10_000)),
      found("fus_live_\0"),
      found("\ud800"),
    ]) {
      const each = await arrangeToken(app.database.owner, applicationId, person);
      const response = await report([odd, found(each.secret)]);
      expect([response.statusCode, label(response)]).toEqual([200, ["false_positive", "true_positive"]]);
      expect(await check(each)).toBe("token_revoked");
    }
  });

  it("that has no token's text is left out of the answer", async () => {
    const response = await report([1, null, [], {}, { token: 1, type: "x" }, found(token.secret)]);
    expect([response.statusCode, label(response)]).toEqual([200, ["true_positive"]]);
    expect(await check(token)).toBe("token_revoked");
  });

  it("with a token of ours ends it, whatever stands beside it", async () => {
    const [one, two, three] = [token, ...(await others(2))] as [TestToken, TestToken, TestToken];
    const long = `https://github.com/a/b/blob/main/${"%E0%A4%85".repeat(450)}`;
    const response = await report(
      `[{"token":"${one.secret}","type":"x","type":"y","url":"${long}","source":"\\u0000"},
        {"token":"a","token":"${two.secret}"}, {"token":"${three.secret}","type":1,"url":{}}]`,
    );
    expect(response.json().map((verdict: { token_type: string }) => verdict.token_type)).toEqual([
      "y",
      "",
      "",
    ]);
    for (const each of [one, two, three]) expect(await check(each)).toBe("token_revoked");
    const { rows } = await app.database.owner.query(
      "SELECT details FROM audit_entry WHERE object_id = $1 AND action = 'token.found'",
      [one.tokenId],
    );
    expect(rows).toEqual([{ details: { url: long.slice(0, 1_000), source: null } }]);
  });
});

describe("a report of thousands of matches", () => {
  it("ends the tokens among them, each told with some of its places", async () => {
    const [first, second] = (await others(2)) as [TestToken, TestToken];
    const many = Array.from({ length: 1_500 }, () => found(generateSecret(app.random, "live")));
    const copies = Array.from({ length: 1_500 }, (_, copy) =>
      found(second.secret, `https://github.com/acme/app/blob/main/${copy}/${"x".repeat(500)}`),
    );
    const response = await report([found(first.secret), ...many, ...copies, found(first.secret)]);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toHaveLength(3_002);
    for (const each of [first, second]) expect(await check(each)).toBe("token_revoked");
    const { rows } = await app.database.owner.query(
      "SELECT object_id, count(*)::int AS places FROM audit_entry WHERE action = 'token.found' AND object_id = ANY ($1) GROUP BY 1 ORDER BY 2",
      [[first.tokenId, second.tokenId]],
    );
    expect(rows.map(({ places }) => places)).toEqual([1, 20]);
  });
});

describe("the signature", () => {
  it("is verified before anything else, and whatever is wrong with it answers alike", async () => {
    const body = [found(token.secret)];
    const answers = [
      await report(body, { key: stranger.privateKey }),
      await report(body, { identifier: "unknown" }),
      await report([], { sent: JSON.stringify(body) }),
      await report("not json", { key: stranger.privateKey }),
      await app.http.inject({ method: "POST", url: "/secret-scanning/reports", payload: body }),
    ];
    for (const answer of answers) {
      expect([answer.statusCode, answer.json().code]).toEqual([401, "report_signature_invalid"]);
    }
    expect(await check(token)).toBe("passes");
  });

  it("does not make a malformed report a good one", async () => {
    for (const content of ["not json", {}, [], "null"]) {
      expect((await report(content)).statusCode).toBe(400);
    }
  });
});

describe("the list of keys", () => {
  it("is kept for an hour, read again for a new key, and outlives an outage", async () => {
    const clock = manualClock("2026-11-24T05:30:00.000Z");
    let list: string | Error = keyList({ one: scanner.publicKey });
    let reads = 0;
    const find = createScannerKeys({
      address,
      clock,
      fetchText: async () => {
        reads += 1;
        if (list instanceof Error) throw list;
        return list;
      },
    });
    expect(await find("one")).toBeDefined();
    expect(await find("two")).toBeUndefined();
    expect(reads).toBe(1);
    list = keyList({ two: scanner.publicKey });
    clock.advanceMs(60_000);
    expect(await find("two")).toBeDefined();
    expect(reads).toBe(2);
    // A key that was withdrawn is no longer valid.
    expect(await find("one")).toBeUndefined();
    list = new Error("away");
    clock.advanceMs(3_600_000);
    expect(await find("two")).toBeDefined();
    expect(reads).toBe(3);
  });

  it("gives no key of another kind than reports are signed with", async () => {
    const { publicKey: ofAnotherCurve } = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    const { publicKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const list = keyList({ one: scanner.publicKey, curve: ofAnotherCurve, rsa });
    const clock = manualClock("2026-11-24T05:30:00.000Z");
    const find = createScannerKeys({ address, clock, fetchText: async () => list });
    expect(await find("one")).toBeDefined();
    for (const identifier of ["curve", "rsa"]) expect(await find(identifier)).toBeUndefined();
  });

  it("that cannot be renewed leaves reports under a key that it lacks for later: the key may be new", async () => {
    const clock = manualClock("2026-11-24T05:30:00.000Z");
    let list: string | Error = keyList({ one: scanner.publicKey });
    const find = createScannerKeys({
      address,
      clock,
      fetchText: async () => {
        if (list instanceof Error) throw list;
        return list;
      },
    });
    expect(await find("one")).toBeDefined();
    list = new Error("answered 403");
    clock.advanceMs(60_000);
    for (let asked = 0; asked < 2; asked += 1)
      await expect(find("new")).rejects.toMatchObject({ code: "scanner_keys_unavailable" });
    expect(await find("one")).toBeDefined();
    list = keyList({ one: scanner.publicKey, new: scanner.publicKey });
    clock.advanceMs(60_000);
    expect(await find("new")).toBeDefined();
  });

  it("is read at most ten times in an hour for keys that are made up, whether or not it can be", async () => {
    for (const away of [false, true]) {
      const clock = manualClock("2026-11-24T05:30:00.000Z");
      let reads = 0;
      const find = createScannerKeys({
        address,
        clock,
        fetchText: async () => {
          reads += 1;
          if (away && reads > 1) throw new Error("away");
          return keyList({ one: scanner.publicKey });
        },
      });
      expect(await find("one")).toBeDefined();
      reads = 0;
      for (let second = 0; second < 3_600; second += 1) {
        clock.advanceMs(1_000);
        await find(`made-up-${second}`).catch(() => undefined);
      }
      expect(reads).toBeGreaterThan(5);
      expect(reads).toBeLessThanOrEqual(10);
    }
  });

  it("is good for the keys that can be used, whatever stands beside them", async () => {
    const odd = [
      {
        key_identifier: "of a form to come",
        key: "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
      },
      { key_identifier: "without a key" },
      { key_identifier: 7, key: null },
      null,
    ];
    const { public_keys } = JSON.parse(keyList({ one: scanner.publicKey }));
    const clock = manualClock("2026-11-24T05:30:00.000Z");
    let listed = [...odd, ...public_keys];
    const fetchText = async () => JSON.stringify({ public_keys: listed });
    const find = createScannerKeys({ address, clock, fetchText });
    expect(await find("one")).toBeDefined();
    expect(await find("of a form to come")).toBeUndefined();
    // A list without any key that can be used is none.
    listed = odd;
    clock.advanceMs(3_600_000);
    expect(await find("one")).toBeDefined();
    await expect(find("of a form to come")).rejects.toMatchObject({ code: "scanner_keys_unavailable" });
  });

  it("that was never read leaves reports for later: 503, so that the scanner sends them again", async () => {
    const find = createScannerKeys({
      address,
      clock: manualClock("2026-11-24T05:30:00.000Z"),
      fetchText: () => Promise.reject(new Error("away")),
    });
    await expect(find("one")).rejects.toMatchObject({
      code: "scanner_keys_unavailable",
      retryAfterSeconds: 60,
    });
  });
});

describe("without the setting", () => {
  it("there is no such endpoint", async () => {
    const other = await createTestApp();
    const response = await other.http.inject({
      method: "POST",
      url: "/secret-scanning/reports",
      payload: [],
    });
    expect(response.statusCode).toBe(404);
    await other.close();
  });
});
