import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manualClock } from "../platform/clock.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { createTestCommandLine, type TestCommandLine } from "../testing/test-command-line.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { arrangeToken } from "../testing/token-fixture.ts";

let database: TestDatabase;
let fusion: TestCommandLine;
const clock = manualClock("2026-11-24T05:30:00Z");

beforeAll(async () => {
  database = await createTestDatabase();
  fusion = createTestCommandLine({ db: database.db, keys: testKeys, clock });
});
afterAll(() => database.drop());

async function json(...words: string[]) {
  const { code, out, err } = await fusion(...words, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
}

/** The latest audit entry; every one of these commands must have left its own. */
async function audited(): Promise<unknown> {
  const { rows } = await database.owner.query(
    `SELECT action, actor_kind || ' ' || actor_id AS actor, object_id FROM audit_entry
     ORDER BY xmin::text::bigint DESC, at DESC LIMIT 1`,
  );
  return rows[0];
}

describe("onboarding, from a bank to money in a funding account", () => {
  let fintechId: string;
  let applicationId: ApplicationId;
  let userId: string;

  it("registers a bank", async () => {
    const { code, out } = await fusion("ifi", "create", "--id", "140793", "--name", "Example Bank");
    expect({ code, out }).toEqual({ code: 0, out: "Registered Example Bank as IFI 140793.\n" });
    expect(await audited()).toEqual({ action: "ifi.created", actor: "cli omar", object_id: "140793" });
  });

  it("registers a fintech, found by its id and its client id", async () => {
    const made = await json(
      ...["fintech", "create", "--ifi", "140793", "--name", "Acme Pay", "--client-id", "acme-pay"],
      ...["--time-zone", "Europe/Berlin", "--reminder-time", "08:00", "--tokens-max", "5"],
    );
    expect(made).toMatchObject({ ifiId: "140793", clientId: "acme-pay", name: "Acme Pay" });
    fintechId = made.fintechId;
    expect(await audited()).toEqual({ action: "fintech.created", actor: "cli omar", object_id: fintechId });
  });

  it("registers an application", async () => {
    const made = await json(
      ...["application", "create", "--fintech", "acme-pay", "--environment", "live", "--name", "Payouts"],
      ...["--scope", "transfers:write", "--scope", "accounts:read", "--description", "Pays out"],
    );
    expect(made).toMatchObject({ fintechId, environment: "live", name: "Payouts" });
    applicationId = made.applicationId;
    expect(await audited()).toMatchObject({ action: "application.created", object_id: applicationId });
    const listed = await json("application", "list", "--fintech", fintechId);
    expect(listed.applications).toMatchObject([{ applicationId, clientId: "acme-pay" }]);
    expect((await fusion("application", "list")).out).toMatch(
      /^APPLICATION +ENVIRONMENT +NAME +FINTECH +CLIENT ID\napp_/,
    );
  });

  it("creates people of the fintech and of the Fusion team", async () => {
    const made = await json(
      ...[
        "user",
        "create",
        "--name",
        "Asha Rao",
        "--role",
        "fintech_member",
        "--fintech",
        fintechId.toUpperCase(),
      ],
      ...["--email", "Asha@Example.com", "--phone", "9876543210"],
    );
    expect(made).toMatchObject({
      fintechId,
      identities: [
        { channel: "sms", address: "+919876543210" },
        { channel: "email", address: "asha@example.com" },
      ],
    });
    userId = made.userId;
    expect(await audited()).toMatchObject({ action: "user.created", object_id: userId });
    const member = ["--name", "Ravi", "--role", "fintech_member", "--fintech", fintechId];
    const addresses = ["--phone", "9876543211", "--email", "ravi@example.com"];
    expect((await fusion("user", "create", ...member, ...addresses)).out).toMatch(
      /\n {2}phone {4}\+919876543211\n {2}email {4}ravi@example\.com\n$/,
    );
    const operator = await json(
      ...["user", "create", "--name", "Omar", "--role", "operator_admin", "--email", "omar@example.com"],
    );
    expect(operator.fintechId).toBeNull();
  });

  it("grants and revokes access", async () => {
    const grant = ["--application", applicationId, "--user", userId];
    expect(await json("access", "grant", ...grant, "--level", "manage")).toEqual({
      applicationId,
      userId,
      level: "manage",
    });
    expect(await audited()).toMatchObject({ action: "access.granted", object_id: userId });
    await json("access", "revoke", ...grant);
    expect(await audited()).toMatchObject({ action: "access.revoked", object_id: userId });
  });

  it("sets from where, for what and how many tokens an application may have", async () => {
    expect(
      await json(
        "application",
        "allow-ip",
        applicationId,
        "203.0.113.0/24",
        "::ffff:198.51.100.7",
        "2001:db8::/32",
      ),
    ).toEqual({
      applicationId,
      ipAllowList: ["203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32"],
      scopes: ["transfers:write", "accounts:read"],
      tokensMax: 5,
    });
    expect(await audited()).toMatchObject({ action: "application.policy-set", object_id: applicationId });
    expect(await json("application", "allow-ip", applicationId, "--anywhere")).toMatchObject({
      ipAllowList: [],
    });
    expect(await fusion("application", "allow-ip", applicationId, "203.0.113.7/24")).toMatchObject({
      code: 2,
      err: expect.stringContaining("203.0.113.7/24 must be the first address of its range"),
    });
    for (const words of [["allow-ip"], ["token-limit"], ["token-limit", "--of-fintech", "--tokens-max", "3"]])
      expect(await fusion("application", words[0] as string, applicationId, ...words.slice(1))).toMatchObject(
        {
          code: 2,
          err: expect.stringMatching(/^Give either /),
        },
      );
    expect(await json("application", "scopes", applicationId, "--scope", "accounts:read")).toMatchObject({
      scopes: ["accounts:read"],
    });
    expect(await fusion("application", "scopes", applicationId, "--scope", "accounts:wirte")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--scope"),
    });
    expect(await json("application", "token-limit", applicationId, "--tokens-max", "3")).toMatchObject({
      tokensMax: 3,
    });
    expect(await json("application", "token-limit", applicationId, "--of-fintech")).toMatchObject({
      tokensMax: 5,
    });
    const { out } = await fusion("application", "allow-ip", applicationId, "2001:db8::/32");
    expect(out).toMatch(
      /allowed from\s+2001:db8::\/32\n\s+scopes\s+accounts:read\n\s+live tokens\s+at most 5/,
    );
    expect(await json("application", "list")).toMatchObject({
      applications: [{ applicationId, ipAllowList: ["2001:db8::/32"], scopes: ["accounts:read"] }],
    });
    await json("application", "allow-ip", applicationId, "--anywhere");
    await json(
      "application",
      "scopes",
      applicationId,
      "--scope",
      "transfers:write",
      "--scope",
      "accounts:read",
    );
  });

  it("suspends and resumes an application and a fintech", async () => {
    expect((await fusion("application", "suspend", applicationId)).code).toBe(0);
    expect(await audited()).toMatchObject({ action: "application.suspended", object_id: applicationId });
    expect((await fusion("fintech", "suspend", "acme-pay")).code).toBe(0);
    expect(await audited()).toMatchObject({ action: "fintech.suspended", object_id: fintechId });
    expect(await json("application", "list")).toMatchObject({ applications: [{ suspended: true }] });
    await json("application", "resume", applicationId);
    await json("fintech", "resume", fintechId);
    expect(await audited()).toMatchObject({ action: "fintech.resumed", object_id: fintechId });
    expect(await fusion("fintech", "suspend", "nobody")).toMatchObject({
      code: 1,
      err: "There is no such fintech.\n",
    });
  });

  it("gives a person another phone or email", async () => {
    const made = await json(
      ...["user", "create", "--name", "Ines", "--role", "fintech_admin", "--fintech", "acme-pay"],
      ...["--email", "ines@example.com"],
    );
    const set = { userId: made.userId, sessionsEnded: 0 };
    expect(await json("user", "set-email", made.userId, "Ines@Example.org")).toEqual({
      ...set,
      ...{ channel: "email", address: "ines@example.org" },
    });
    expect(await json("user", "set-phone", made.userId, "98765 43219")).toEqual({
      ...set,
      ...{ channel: "sms", address: "+919876543219" },
    });
    expect(await audited()).toMatchObject({ action: "user.identity-changed", object_id: made.userId });
    expect((await fusion("user", "set-phone", made.userId, "ines@example.org")).code).toBe(2);
  });

  it("ends a person's access", async () => {
    const made = await json(
      ...["user", "create", "--name", "Lena", "--role", "fintech_admin", "--fintech", "acme-pay"],
      ...["--email", "lena@example.com"],
    );
    expect(await json("user", "end-access", made.userId)).toEqual({ userId: made.userId, sessionsEnded: 0 });
    expect(await audited()).toMatchObject({ action: "user.access-ended", object_id: made.userId });
    expect((await fusion("user", "end-access", "usr_nobody")).code).toBe(1);
  });

  it("configures a bundle", async () => {
    const made = await json(
      "bundle",
      "create",
      "--fintech",
      "acme-pay",
      "--environment",
      "live",
      "--name",
      "Gold",
    );
    expect(made).toMatchObject({
      shortCode: "gold",
      accountProducts: [{ productName: "Gold account", currency: "INR" }],
      paymentProducts: [{ productName: "Gold payment" }],
    });
    expect(await audited()).toMatchObject({ action: "bundle.created", object_id: made.bundleId });
  });

  it("limits an account product and a KYC level, and takes the limits away again", async () => {
    const [tenant] = [["--fintech", "acme-pay", "--environment", "live"]];
    const made = await json("bundle", "create", ...tenant, "--name", "Limited");
    const [product] = made.accountProducts;
    const words = ["limits", "product", ...tenant, "--bundle", made.bundleId];
    words.push("--account-product", product.accountProductId);
    const rules = { maximumBalance: 1_000_000, limits: [{ period: "DAY", maximumCount: 5 }] };
    expect(await json(...words, "--rules", JSON.stringify(rules))).toMatchObject({ rules });
    expect(await audited()).toMatchObject({ action: "limits.set", object_id: product.accountProductId });
    expect(await json(...words, "--none")).toMatchObject({ rules: null });
    expect(await audited()).toMatchObject({ action: "limits.removed" });
    const other = words.with(-1, "00000000-0000-4000-8000-000000000000");
    expect(await fusion(...other, "--none")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/account product/),
    });

    const bank = ["--ifi", "140793", "--environment", "live"];
    const kyc = ["limits", "kyc", ...bank, "--level", "MINIMAL"];
    await json(...kyc, "--rules", JSON.stringify(rules));
    expect(await audited()).toMatchObject({ action: "limits.set", object_id: "MINIMAL" });
    expect(await json("limits", "list", ...bank)).toMatchObject([{ kycStatus: "MINIMAL", rules }]);
    await json(...kyc, "--none");
    expect(await json("limits", "list", ...bank)).toEqual([]);
  });

  it.each([
    ["neither", [], /--rules or --none/],
    ["no JSON", ["--rules", "lots"], /not JSON/],
    ["a wrong period", ["--rules", '{"limits":[{"period":"HOUR"}]}'], /period/],
    ["a word that means nothing", ["--rules", '{"maxBalance":1}'], /maxBalance/],
    ["a file that is not there", ["--rules", "@nowhere.json"], /cannot be read/],
  ])("refuses limits with %s", async (_what, words, message) => {
    const { code, err } = await fusion(
      ...["limits", "kyc", "--ifi", "140793", "--environment", "live", "--level", "MINIMAL"],
      ...words,
    );
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });

  it("opens a funding account with an opening balance, and the books agree", async () => {
    const words = [
      "funding-account",
      "create",
      "--fintech",
      "acme-pay",
      "--environment",
      "live",
      "--name",
      "Float",
    ];
    const made = await json(...words, "--opening-balance", "250000.5");
    expect(made).toMatchObject({ balanceMinor: "25000050", currency: "INR", environment: "live" });
    expect(await audited()).toMatchObject({ action: "funding-account.opened", object_id: made.accountId });
    expect((await fusion(...words, "--opening-balance", "250000.5", "--another")).out).toContain(
      "INR 2,50,000.50",
    );
    expect(await json("ledger", "verify")).toEqual({ agrees: true });
  });

  it("brings the bank's money into a funding account once, however often and at once it is told to", async () => {
    const create = (...more: string[]) =>
      fusion(
        ...[
          "funding-account",
          "create",
          "--fintech",
          "acme-pay",
          "--environment",
          "live",
          "--name",
          "Payouts",
        ],
        ...["--opening-balance", "1000", "--json", ...more],
      );
    const answers = await Promise.all([create(), create()]);
    answers.sort((left, right) => left.code - right.code);
    const { accountId } = JSON.parse(answers[0]?.out ?? "");
    for (const again of [answers[1], await create()]) {
      expect(again).toMatchObject({ code: 1, out: "" });
      const { error } = JSON.parse(again?.err ?? "");
      expect(error.code).toBe("funding_account_exists");
      expect(error.message).toMatch(
        new RegExp(
          `^There is a funding account Payouts in INR already: ${accountId}, opened .+ add --another\\.$`,
        ),
      );
    }
    expect((await create("--currency", "USD")).code).toBe(0);
    expect((await create("--another")).code).toBe(0);
    const { rows } = await database.owner.query(
      "SELECT currency, count(*)::int AS n, sum(balance)::int AS balance FROM account WHERE name = 'Payouts' GROUP BY 1 ORDER BY 1",
    );
    expect(rows).toEqual([
      { currency: "INR", n: 2, balance: 200_000 },
      { currency: "USD", n: 1, balance: 100_000 },
    ]);
  });

  it("fails the verification of books that were tampered with", async () => {
    await database.owner.query(
      "ALTER TABLE account DISABLE TRIGGER USER; UPDATE account SET balance = balance + 1 WHERE kind = 'funding'; ALTER TABLE account ENABLE TRIGGER USER",
    );
    const { code, out, err } = await fusion("ledger", "verify");
    await database.owner.query(
      "ALTER TABLE account DISABLE TRIGGER USER; UPDATE account SET balance = balance - 1 WHERE kind = 'funding'; ALTER TABLE account ENABLE TRIGGER USER",
    );
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(
      /^The ledger does not agree with itself \(a balance is the sum of its postings\): Account .+\n$/,
    );
  });

  describe("tokens and reminders", () => {
    let tokenId: TokenId;
    let admin: Awaited<ReturnType<typeof arrangeUser>>;

    beforeAll(async () => {
      admin = await arrangeUser(
        database.owner,
        { ifiId: "140793" as never, fintechId: fintechId as never, clientId: "" },
        "fintech_admin",
        { phone: null, email: "admin@example.com" },
      );
      ({ tokenId } = await arrangeToken(database.owner, applicationId, admin, {
        createdAt: new Date("2026-11-01T00:00:00Z"),
        expiresAt: new Date("2026-12-10T10:00:00Z"),
        name: "billing",
      }));
      await database.owner.query(
        `INSERT INTO token_subscription (ifi_id, environment, fintech_id, application_id, token_id, user_id, subscribed_at)
         SELECT ifi_id, environment, fintech_id, application_id, token_id, created_by, created_at FROM token`,
      );
    });

    it("shows what goes out at an instant, in the fintech's own zone and time", async () => {
      const at = (instant: string) => json("reminders", "preview", "--at", instant);
      const preview = await at("2026-11-25T08:00:00+01:00");
      expect(preview.due).toMatchObject([
        {
          channel: "email",
          to: "admin@example.com",
          subject: '15 days left: token "billing" expires Thu 10 Dec 2026, 11:00 CET',
          goesOutAt: "2026-11-25T07:00:00.000Z",
          notices: [{ tokenId, daysLeft: 15 }],
        },
      ]);
      expect(preview.due[0].text).toContain(
        `https://fusion.example/applications/${applicationId}/tokens/${tokenId}`,
      );
      expect((await at("2026-11-25T06:59:59Z")).due).toEqual([]);
      expect((await at("2026-11-25T06:59:59Z")).laterThatDay).toHaveLength(1);
      expect((await at("2026-11-24T12:00:00Z")).laterThatDay).toEqual([]);
      expect((await fusion("reminders", "preview", "--at", "2026-11-24T12:00:00Z")).out).toBe(
        "At 2026-11-24T12:00:00.000Z nothing goes out.\n",
      );
      expect((await fusion("reminders", "preview", "--at", "2026-12-10T12:00:00Z")).out).toContain(
        'Expired today: token "billing" expired today at 11:00 CET',
      );
    });

    it("lists tokens by fintech, application and status, without a secret", async () => {
      await database.stopTime(clock.now());
      const { tokens } = await json("tokens", "list", "--fintech", "acme-pay");
      expect(tokens).toMatchObject([{ tokenId, status: "active", fintechId, environment: "live" }]);
      expect(JSON.stringify(tokens)).not.toMatch(/hash|fus_live_[0-9A-Za-z]{36}/);
      expect(
        (await json("tokens", "list", "--application", applicationId, "--status", "revoked")).tokens,
      ).toEqual([]);
      expect((await fusion("tokens", "list")).out).toMatch(
        new RegExp(`\n${tokenId} +active +live +2026-12-10 10:00Z +never`),
      );
      await database.stopTime();
    });

    it("revokes a token, once and for all", async () => {
      const { code, out } = await fusion("tokens", "revoke", tokenId, "--reason", "compromised");
      expect(code).toBe(0);
      expect(out).toMatch(
        new RegExp(`^Token ${tokenId} \\(.+\\) revoked\\. Refused everywhere since 20.+Z\\.`),
      );
      expect(await audited()).toMatchObject({
        action: "token.revoked",
        actor: "cli omar",
        object_id: tokenId,
      });
      const again = await json("tokens", "revoke", tokenId, "--reason", "replaced");
      expect(again).toMatchObject({ reason: "compromised", by: "Fusion team (omar)" });
      const { tokens } = await json("tokens", "list", "--status", "revoked");
      expect(tokens).toMatchObject([{ tokenId, status: "revoked" }]);
    });

    it("revokes several tokens at one moment, or none of them", async () => {
      const ids: TokenId[] = [];
      for (let time = 0; time < 3; time += 1)
        ids.push((await arrangeToken(database.owner, applicationId, admin)).tokenId);
      const none = await fusion("tokens", "revoke", ...ids, "tok_missing", "--reason", "compromised");
      expect(none.code).toBe(1);
      expect(none.err).toContain("There is no such token.");
      expect((await json("tokens", "list", "--status", "active")).tokens).toHaveLength(3);

      const { tokens } = await json("tokens", "revoke", ...ids, "--reason", "compromised");
      expect(tokens.map((each: { tokenId: TokenId }) => each.tokenId)).toEqual(ids);
      expect(new Set(tokens.map((each: { effectiveAt: string }) => each.effectiveAt)).size).toBe(1);
      expect((await json("tokens", "list", "--status", "active")).tokens).toEqual([]);
      const again = await fusion("tokens", "revoke", ...ids, "--reason", "replaced");
      expect(again.out).toMatch(
        /^(Token tok_.+ revoked\. Refused everywhere since 20.+Z\. Receipt rcp_.+\.\n){3}$/,
      );
    });
  });

  it("approves a password reset that was asked for, and refuses one that was not", async () => {
    const refused = await fusion("password-reset", "approve", userId);
    expect({ code: refused.code, lines: refused.err.trim().split("\n").length }).toEqual({
      code: 1,
      lines: 1,
    });
    await database.owner.query(
      "UPDATE console_user SET password_hash = 'x', password_set_at = now() WHERE user_id = $1",
      [userId],
    );
    await database.owner.query(
      "INSERT INTO password_reset (user_id, reason, requested_at) VALUES ($1, 'forgotten', $2)",
      [userId, clock.now()],
    );
    expect(await json("password-reset", "approve", userId)).toEqual({ userId, approved: true });
    expect(await audited()).toMatchObject({ action: "password.reset-approved", actor: "cli omar" });
  });
});
