import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { manualClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import type { Message } from "../platform/messages/message.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { arrangeToken, type TestToken } from "../testing/token-fixture.ts";
import { tellAdmins } from "../tokens/announcement.ts";
import { generateSecret } from "../tokens/token-secret.ts";
import { createScannerKeys } from "./scanner-keys.ts";

// POST /secret-scanning/reports, with keys of the test's own in the list.

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
  }: { key?: KeyObject; identifier?: string; sent?: string } = {},
) {
  const body = typeof content === "string" ? content : JSON.stringify(content);
  return app.http.inject({
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
const check = async (of: TestToken): Promise<string> => {
  const { headers } = await app.http.inject({
    url: "/gateway/check",
    headers: { "x-zeta-authtoken": of.secret },
  });
  return String(headers["x-fusion-refusal"] ?? "passes");
};

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

    const letters: Message[] = [];
    await tellAdmins(
      {
        db,
        log: silentLog(),
        publicUrl: "https://fusion.example",
        messenger: { send: async (message) => `kept ${letters.push(message)}` },
      },
      { event: "revoked", tokenId: token.tokenId },
    );
    expect(letters[0]?.subject).toMatch(/^Sandbox token ".+" was revoked$/);
    expect(letters[0]?.text).toContain("It was found in public: https://github.com/acme/app/blob/main/.env");
    expect(letters[0]?.text).toContain("Secret scanning revoked it");
  });

  it("of a token that has ended changes nothing but its history", async () => {
    const expired = await arrangeToken(app.database.owner, applicationId, person, {
      createdAt: new Date(Date.now() - 86_400_000),
      expiresAt: new Date(Date.now() - 1_000),
    });
    expect((await report([found(expired.secret)])).json()[0].label).toBe("true_positive");
    expect(await check(expired)).toBe("token_expired");
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
    for (const content of [
      "not json",
      {},
      [],
      [{ token: 1, type: "x" }],
      '[{"token":"a","token":"b","type":"x"}]',
    ]) {
      expect((await report(content)).statusCode).toBe(400);
    }
  });
});

describe("the list of keys", () => {
  it("is kept for an hour, read again for a new key but not for every made-up one, and outlives an outage", async () => {
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
    // A key that was withdrawn counts no more.
    expect(await find("one")).toBeUndefined();
    list = new Error("away");
    clock.advanceMs(3_600_000);
    expect(await find("two")).toBeDefined();
    expect(reads).toBe(3);
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
