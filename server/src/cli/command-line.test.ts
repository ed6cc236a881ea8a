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

  it("lists the banks", async () => {
    expect(await json("ifi", "list")).toEqual({
      ifis: [{ ifiId: "140793", name: "Example Bank", fintechs: 1 }],
    });
    const { out } = await fusion("ifi", "list");
    expect(out).toMatch(/^IFI +NAME +FINTECHS\n140793 +Example Bank +1\n$/);
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
      /^APPLICATION +ENVIRONMENT +NAME +FINTECH +CLIENT ID +STATUS\napp_/,
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
    expect(await fusion("access", "revoke", ...grant.with(-1, "usr_nobody"))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/no such person/),
    });
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
      /allowed from\s+2001:db8::\/32\n\s+scopes\s+accounts:read\n\s+active tokens\s+at most 5/,
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
    expect((await fusion("application", "list")).out).toMatch(/acme-pay +suspended\n/);
    expect((await fusion("application", "resume", applicationId)).out).toMatch(
      /its fintech is still suspended/,
    );
    expect((await fusion("application", "list")).out).toMatch(/acme-pay +fintech suspended\n/);
    await json("fintech", "resume", fintechId);
    expect((await fusion("application", "resume", applicationId)).out).toMatch(/is at work/);
    expect(await audited()).toMatchObject({ action: "fintech.resumed", object_id: fintechId });
    expect(await fusion("fintech", "suspend", "nobody")).toMatchObject({
      code: 1,
      err: "There is no such fintech.\n",
    });
  });

  it("lists fintechs with bank, applications, active tokens and settings", async () => {
    expect(await json("fintech", "list")).toEqual({
      fintechs: [
        {
          ...{ ifiId: "140793", ifiName: "Example Bank", fintechId, clientId: "acme-pay", name: "Acme Pay" },
          ...{ timeZone: "Europe/Berlin", reminderTime: "08:00", tokensMax: 5, lifetimeDaysMax: 365 },
          ...{ suspended: false, applications: { sandbox: 0, live: 1 }, activeTokens: 0 },
        },
      ],
    });
    expect((await fusion("fintech", "list")).out).toMatch(
      /^CLIENT ID .+\nacme-pay +Acme Pay +Example Bank \(140793\) +0 applications +1 application +0 +at work\n$/,
    );
  });

  it("changes what a fintech was registered with, by the same rules, and tells what becomes of today's reminders", async () => {
    const changed = await fusion("fintech", "set", "acme-pay", "--name", "Acme", "--time-zone", "Asia/Tokyo");
    // 05:30Z is 14:30 in Tokyo, where 08:00 is over.
    expect(changed.out).toContain(
      "The next reminders go out within a quarter of an hour, as 2026-11-24 08:00 Asia/Tokyo is over.\n",
    );
    const entry = await database.owner.query(
      "SELECT action, details FROM audit_entry WHERE object_id = $1 ORDER BY at DESC, xmin::text::bigint DESC LIMIT 1",
      [fintechId],
    );
    expect(entry.rows).toEqual([
      {
        action: "fintech.settings-set",
        details: {
          name: { from: "Acme Pay", to: "Acme" },
          timeZone: { from: "Europe/Berlin", to: "Asia/Tokyo" },
        },
      },
    ]);
    // A day that is planned is not planned again today; the zone in which it is still yesterday has no reminders before tomorrow either.
    await database.owner.query(
      "INSERT INTO reminder_day (ifi_id, fintech_id, local_day, swept_at) VALUES (140793, $1, '2026-11-24', $2)",
      [fintechId, clock.now()],
    );
    for (const [zone, at] of [
      ["Europe/Berlin", "2026-11-25T07:00:00.000Z"],
      ["Pacific/Pago_Pago", "2026-11-25T19:00:00.000Z"],
    ] as const)
      expect(await json("fintech", "set", fintechId, "--time-zone", zone)).toMatchObject({
        ...{ name: "Acme", timeZone: zone, reminderTime: "08:00" },
        nextReminders: { localDay: "2026-11-25", at },
      });
    const back = ["--name", "Acme Pay", "--time-zone", "Europe/Berlin", "--lifetime-days-max", "180"];
    expect((await fusion("fintech", "set", "acme-pay", ...back)).out).toContain(
      "Today's reminders were planned before and are not sent again; the next go out on 2026-11-25 at 08:00 Europe/Berlin (2026-11-25T07:00Z).\n",
    );
    await database.owner.query("DELETE FROM reminder_day");
    expect(await fusion("fintech", "set", "acme-pay", "--time-zone", "Berlin")).toMatchObject({
      code: 2,
      err: "--time-zone: must be an IANA time zone such as Asia/Kolkata.\n",
    });
    expect(await fusion("fintech", "set", "acme-pay")).toMatchObject({
      code: 2,
      err: "Name at least one setting to change.\n",
    });
    expect((await fusion("fintech", "set", "nobody", "--name", "X")).code).toBe(1);
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
    const narrowed = await fusion("access", "revoke", "--application", applicationId, "--user", made.userId);
    expect(narrowed.out).toMatch(/goes on seeing all its applications/);
    expect(await json("user", "end-access", made.userId)).toEqual({ userId: made.userId, sessionsEnded: 0 });
    expect(await audited()).toMatchObject({ action: "user.access-ended", object_id: made.userId });
    expect((await fusion("user", "end-access", "usr_nobody")).code).toBe(1);
  });

  it("lists people with their addresses and what they may see, of a fintech or of the Fusion team", async () => {
    await json("access", "grant", "--application", applicationId, "--user", userId, "--level", "view");
    const { people } = await json("user", "list", "--fintech", "acme-pay");
    expect(people.map((person: { name: string }) => person.name)).toEqual([
      ...["Asha Rao", "Ines", "Lena", "Ravi"],
    ]);
    expect(people[0]).toEqual({
      ...{ userId, name: "Asha Rao", role: "fintech_member", fintechName: "Acme Pay", clientId: "acme-pay" },
      identities: [
        { channel: "email", address: "asha@example.com", bouncedAt: null },
        { channel: "sms", address: "+919876543210", bouncedAt: null },
      ],
      access: [{ applicationId, applicationName: "Payouts", environment: "live", level: "view" }],
      ...{ passwordSet: false, lastSeenAt: null, disabledAt: null },
      ...{ resetRequestedAt: null, resetReason: null },
    });
    const lines = (await fusion("user", "list", "--fintech", "acme-pay")).out.split("\n");
    expect(lines[0]).toMatch(/^USER +NAME +ROLE +FINTECH +LOGS IN WITH +PASSWORD +LAST SEEN +ACCESS$/);
    expect(lines[1]).toMatch(
      /^usr_\S+ +Asha Rao +fintech_member +Acme Pay +asha@example\.com, \+919876543210 +not set +never +view app_\S+ \(live\)$/,
    );
    expect(lines[3]).toMatch(/^usr_\S+ +Lena .+ \(nothing\) .+ ended 2026-11-24 05:30Z$/);
    expect((await json("user", "list", "--fusion-team")).people).toMatchObject([
      { name: "Omar", role: "operator_admin", fintechName: null, access: [] },
    ]);
    expect((await json("user", "list")).people).toHaveLength(5);
    expect((await fusion("user", "list", "--fusion-team", "--fintech", "acme-pay")).code).toBe(2);
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
    for (const words of [["--none"], ["--rules", JSON.stringify(rules)]])
      expect(await fusion(...kyc.with(3, "99"), ...words)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/no such bank/),
      });
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
      expect((await json("tokens", "list", "--find", tokenId.slice(0, 12))).tokens).toHaveLength(1);
      expect((await json("tokens", "list", "--find", "no such name")).tokens).toEqual([]);
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

  it("lists who waits for a new password, approves what was asked for, and refuses what was not", async () => {
    expect((await fusion("password-reset", "list")).out).toBe("Nobody waits for a new password.\n");
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
    expect(await json("password-reset", "list", "--fintech", "acme-pay")).toMatchObject({
      passwordResets: [{ userId, requestedAt: clock.now().toISOString(), reason: "forgotten" }],
    });
    expect((await fusion("password-reset", "list")).out).toMatch(
      /\nusr_\S+ +Asha Rao .+ forgotten +2026-11-24 05:30Z\n$/,
    );
    expect((await fusion("user", "list", "--fintech", "acme-pay")).out).toMatch(
      /Asha Rao .+ over 30 days ago /,
    );
    expect(await json("password-reset", "approve", userId)).toEqual({ userId, approved: true });
    expect((await json("password-reset", "list")).passwordResets).toEqual([]);
    expect(await audited()).toMatchObject({ action: "password.reset-approved", actor: "cli omar" });
  });
});
