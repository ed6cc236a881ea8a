import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../../access/principal.ts";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, type LoginApp } from "../../testing/login-app.ts";
import { maskAddress } from "../identifier.ts";
import { createUser, type NewUser } from "./create-user.ts";

let app: LoginApp;
let fintech: TestFintech;
let own: NonNullable<NewUser["fintech"]>;
const commandLine = { kind: "cli", account: "root" } as const;
let asked = 0;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
  own = { ifiId: fintech.ifiId, fintechId: fintech.fintechId };
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const create = (actor: Parameters<typeof createUser>[1], input: Partial<NewUser> = {}) => {
  asked += 1;
  const deps = {
    db: app.database.db,
    clock: app.clock,
    random: systemRandom,
    publicUrl: "https://fusion.example",
  };
  return createUser(deps, actor, {
    name: "Ravi Menon",
    role: "fintech_member",
    fintech: own,
    email: `ravi${asked}@example.com`,
    ...input,
  });
};

async function actor(role: UserPrincipal["role"], of: TestFintech | null = fintech): Promise<UserPrincipal> {
  return arrangeUser(app.database.owner, of, role, { now: app.clock.now() });
}

describe("a new person", () => {
  it("is told on each address, audited, and can log in by either as people write them", async () => {
    const { userId, identities } = await create(commandLine, {
      phone: "98100-00001",
      email: "Ravi.Menon@Example.com",
    });
    expect(identities).toEqual([
      { channel: "sms", address: "+919810000001" },
      { channel: "email", address: "ravi.menon@example.com" },
    ]);
    const { rows: messages } = await app.database.owner.query(
      "SELECT address, subject, text FROM outgoing_message WHERE subject = 'You were given access to Fusion' ORDER BY address",
    );
    expect(messages.map((message) => message.address)).toEqual(["+919810000001", "ravi.menon@example.com"]);
    expect(messages[0].text).toContain("Ravi Menon");
    expect(messages[0].text).toContain("Log in with this phone number at https://fusion.example/");
    expect(messages[1].text).toContain("Log in with this email address at https://fusion.example/");
    const { rows: audit } = await app.database.owner.query(
      "SELECT actor_kind, actor_name, fintech_id FROM audit_entry WHERE object_id = $1 AND action = 'user.created'",
      [userId],
    );
    expect(audit).toEqual([
      { actor_kind: "cli", actor_name: "Fusion team (root)", fintech_id: fintech.fintechId },
    ]);
    await app.logIn(app.browser(), "+91 98100 00001");
    await app.logIn(app.browser(), "RAVI.MENON@example.com");
    // In the fintech's time zone, and without a word about sessions, since there were none.
    const { rows: set } = await app.database.owner.query(
      "SELECT text FROM outgoing_message WHERE subject = 'Your Fusion password was set' AND address = '+919810000001'",
    );
    expect(set[0].text).toMatch(
      / was set on \w{3} \d+ \w{3} \d{4}, \d\d:\d\d IST \(first login\)\. If it was not you/,
    );
    const { rows } = await app.database.owner.query(
      "SELECT verified_at IS NOT NULL AS verified FROM identity WHERE user_id = $1",
      [userId],
    );
    expect(rows).toEqual([{ verified: true }, { verified: true }]);
  });

  it("has a name in no message of which a phone or a mail program makes a link", async () => {
    const { owner } = app.database;
    const place = await arrangeFintech(owner);
    const admin = await arrangeUser(owner, place, "fintech_admin", { now: app.clock.now() });
    const { ifiId, fintechId } = place;
    const made = { role: "fintech_admin", fintech: { ifiId, fintechId } } as const;
    await create(admin, { ...made, name: "KYC due: https://fusi0n.example/kyc today", phone: "9810000088" });
    await create(admin, { ...made, name: "K.V. Raman", phone: "9810000089" });
    const { rows } = await owner.query(
      `SELECT address, text FROM outgoing_message
       WHERE address IN ('+919810000088', '+919810000089', $1) AND (subject LIKE 'You were given%' OR subject LIKE '% is an admin%')`,
      [admin.email],
    );
    expect(rows.length).toBeGreaterThanOrEqual(4);
    for (const { text } of rows)
      expect(text.replaceAll("https://fusion.example/", "")).not.toMatch(/https?:|fusi0n\.example/);
    const told = rows.map(({ text }) => text).join("\n");
    expect(told).toContain("Hello KYC due- https---fusi0n-exa..., you now have access");
    expect(told).toContain("Hello K.V. Raman, you now have access");
    expect(told).toContain("made KYC due- https---fusi0n-example-kyc today (");
  });

  it("is made by an operator admin, and by an admin of the same fintech", async () => {
    await create(await actor("operator_admin", null), { fintech: null, role: "operator_viewer" });
    await create(await actor("fintech_admin"));
  });

  it("is added over the console to the own fintech, every other admin being told of an admin, and loses access there", async () => {
    const { owner } = app.database;
    const place = await arrangeFintech(owner);
    const [admin, other] = [
      await arrangeUser(owner, place, "fintech_admin"),
      await arrangeUser(owner, place, "fintech_admin"),
    ];
    const browser = app.browser();
    await app.logIn(browser, admin.email);
    const added = await browser.post("/people", {
      ...{ name: "Nina Admin", role: "fintech_admin", email: "nina@example.com" },
    });
    expect([added.statusCode, added.json().identities]).toEqual([
      201,
      [{ channel: "email", address: "nina@example.com" }],
    ]);
    const { rows: told } = await owner.query(
      "SELECT address FROM outgoing_message WHERE subject = 'Nina Admin is an admin of Fusion now'",
    );
    expect(told.map(({ address }) => address).sort()).toEqual([admin.email, other.email].sort());
    const listed = (await browser.get("/people"))
      .json()
      .people.map((each: { userId: string }) => each.userId);
    expect(listed).toContain(added.json().userId);
    const operator = await browser.post("/people", {
      ...{ name: "Not Here", role: "operator_admin", email: "not@example.com" },
    });
    expect([operator.statusCode, operator.json().errors[0].pointer]).toEqual([400, "/role"]);
    expect((await browser.post(`/people/${admin.userId}/end-access`)).json().code).toBe(
      "own_access_not_endable",
    );
    const ended = await browser.post(`/people/${added.json().userId}/end-access`);
    expect([ended.statusCode, ended.json()]).toEqual([200, { sessionsEnded: 0 }]);
  });

  it("made an admin at the command line is told to every admin that there is already, and to none where there is not", async () => {
    const { owner } = app.database;
    const operator = await arrangeUser(owner, null, "operator_admin");
    const { ifiId, fintechId } = await arrangeFintech(owner);
    const told = async () => {
      const { rows } = await owner.query(
        "DELETE FROM outgoing_message WHERE subject LIKE '% is an admin of Fusion now' RETURNING address, subject, text",
      );
      return rows;
    };
    await told();
    const made = { role: "fintech_admin", fintech: { ifiId, fintechId } } as const;
    await create(commandLine, { ...made, name: "First Admin", email: "first@example.com" });
    expect(await told()).toEqual([]);
    await create(commandLine, { ...made, name: "Second Admin", phone: "9810000077" });
    const notices = await told();
    expect(notices.map(({ subject }) => subject)).toContain("Second Admin is an admin of Fusion now");
    expect(notices.map(({ address }) => address)).toContain("first@example.com");
    expect(notices[0].text).toContain("Fusion team (root) made Second Admin (");
    await create(commandLine, { role: "operator_admin", fintech: null, name: "Next Operator" });
    expect((await told()).map(({ address }) => address)).toContain(operator.email);
  });

  it("is not made by members, viewers, another fintech's admin, or a fintech for the Fusion team", async () => {
    const outsider = await arrangeFintech(app.database.owner);
    for (const [by, input] of [
      [await actor("fintech_member"), {}],
      [await actor("operator_viewer", null), {}],
      [await actor("fintech_admin", outsider), {}],
      [await actor("fintech_admin"), { fintech: null, role: "operator_admin" }],
    ] as const)
      await expect(create(by, input)).rejects.toMatchObject({ code: "role_insufficient" });
  });

  it("is not made by someone whose presence was proven more than five minutes ago", async () => {
    const admin = await actor("fintech_admin");
    app.clock.advanceMs(5 * 60_000);
    await expect(create(admin)).rejects.toMatchObject({ code: "step_up_required" });
  });

  it("has a name, a fitting role and an address, or is refused with the field", async () => {
    for (const [input, pointer] of [
      [{ name: " " }, "/name"],
      [{ name: "a\u0000b" }, "/name"],
      [{ name: "x".repeat(81) }, "/name"],
      [{ role: "operator_admin" }, "/role"],
      [{ fintech: null }, "/fintech"],
      [{ email: undefined }, "/email"],
      [{ email: "9810000009" }, "/email"],
      [{ phone: "a@b.example" }, "/phone"],
      [{ email: "not an address" }, "/email"],
    ] as const)
      await expect(create(commandLine, input as Partial<NewUser>)).rejects.toMatchObject({
        kind: "invalid",
        fieldErrors: [{ pointer }],
      });
    await expect(
      create(commandLine, {
        fintech: { ...own, fintechId: "00000000-0000-4000-8000-000000000000" as never },
      }),
    ).rejects.toMatchObject({ code: "not_found" });
  });

  it("shares no address with anyone, and nothing is left of the attempt", async () => {
    await create(commandLine, { email: "taken@example.com" });
    const count = async () =>
      (await app.database.owner.query("SELECT count(*) FROM console_user")).rows[0].count;
    const before = await count();
    await expect(
      create(commandLine, { email: "TAKEN@example.com", phone: "9810000002" }),
    ).rejects.toMatchObject({
      code: "identity_taken",
    });
    expect(await count()).toBe(before);
    const both = await Promise.allSettled(
      [1, 2, 3].map(() => create(commandLine, { email: "race@example.com" })),
    );
    expect(both.filter((each) => each.status === "fulfilled")).toHaveLength(1);
  });
});

describe("an address that another person has", () => {
  it("is refused with a record of who tried it, and ten times an hour at most, however many at once", async () => {
    const { owner } = app.database;
    const admin = await actor("fintech_admin");
    await create(commandLine, { email: "known.elsewhere@example.com" });
    const probe = () => create(admin, { email: "Known.Elsewhere@example.com", phone: "9810000055" });
    const codes = (await Promise.allSettled(Array.from({ length: 12 }, probe))).map(
      (each) => each.status === "rejected" && each.reason.code,
    );
    expect(codes.sort()).toEqual([
      ...Array(10).fill("identity_taken"),
      ...Array(2).fill("identity_taken_limited"),
    ]);
    const { rows } = await owner.query(
      "SELECT actor_id, fintech_id, details FROM audit_entry WHERE action = 'user.address-refused'",
    );
    const address = maskAddress({ channel: "email", address: "known.elsewhere@example.com" });
    expect(rows).toEqual(
      Array(10).fill({
        actor_id: admin.userId,
        fintech_id: fintech.fintechId,
        details: { channel: "email", address },
      }),
    );
    await expect(create(admin)).rejects.toMatchObject({
      retryAfterSeconds: expect.toSatisfy((seconds) => seconds > 3_500 && seconds <= 3_600),
    });
    await create(await actor("fintech_admin"));
    await owner.query(
      "UPDATE audit_entry SET at = at - interval '1 hour' WHERE action = 'user.address-refused'",
    );
    await create(admin);
  });
});

describe("people", () => {
  it("are added fifty an hour to one fintech by persons, however many at once: each addition sends messages to any address", async () => {
    const place = await arrangeFintech(app.database.owner);
    const key = { ifiId: place.ifiId, fintechId: place.fintechId };
    const admin = await actor("fintech_admin", place);
    await app.database.owner.query(
      "UPDATE console_user SET created_at = $2::timestamptz - interval '2 hours' WHERE user_id = $1",
      [admin.userId, app.clock.now()],
    );
    for (let at = 0; at < 45; at += 1) await create(admin, { fintech: key });
    const codes = (
      await Promise.allSettled(Array.from({ length: 8 }, () => create(admin, { fintech: key })))
    ).map((each) => (each.status === "rejected" ? each.reason.code : "added"));
    expect(codes.sort()).toEqual([...Array(5).fill("added"), ...Array(3).fill("people_added_limited")]);
    await expect(create(admin, { fintech: key })).rejects.toMatchObject({ retryAfterSeconds: 3_600 });
    await create(await actor("fintech_admin"));
    await create(commandLine, { fintech: key });
    app.clock.advanceMs(3_600_000);
    await create(await actor("fintech_admin", place), { fintech: key });
  });
});

describe("row-level security", () => {
  it("shows a fintech's transaction its own people's sessions and nothing of the walks and counters", async () => {
    const stranger = await arrangeFintech(app.database.owner);
    const person = await arrangeUser(app.database.owner, stranger, "fintech_member");
    await app.logIn(app.browser(), person.email);
    await app.browser().post("/login/start", { identifier: "passer-by@example.com" });
    const seen = async (of: TestFintech, table: string) =>
      (await app.database.db.reader({ kind: "fintech", ...of }).query(`SELECT FROM ${table}`)).length;
    expect(await seen(stranger, "user_session WHERE ended_at IS NULL")).toBe(1);
    expect(await seen(stranger, "known_device")).toBe(1);
    const empty = await arrangeFintech(app.database.owner);
    for (const table of ["user_session", "known_device", "password_reset"])
      expect(await seen(empty, table)).toBe(0);
    for (const table of ["login_walk", "one_time_code", "login_failure", "code_sending", "outgoing_message"])
      expect(await seen(stranger, table)).toBe(0);
  });
});
