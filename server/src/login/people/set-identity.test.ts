import { afterAll, beforeAll, expect, it } from "vitest";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, type LoginApp } from "../../testing/login-app.ts";
import { setIdentity } from "./set-identity.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());

type Input = Parameters<typeof setIdentity>[2];
const commandLine = { kind: "cli", account: "root" } as const;
const set = (actor: Parameters<typeof setIdentity>[1], input: Input) =>
  setIdentity({ db: app.database.db, clock: app.clock, random: systemRandom }, actor, input);
const arrange = (role: "fintech_admin" | "fintech_member", of = fintech) =>
  arrangeUser(app.database.owner, of, role, { now: app.clock.now() });

it("another email takes the old one's place: its codes lead nowhere, sessions end, and all are told", async () => {
  const { owner } = app.database;
  const [admin, person] = [await arrange("fintech_admin"), await arrange("fintech_member")];
  const [browser, halfway, atPassword] = [app.browser(), app.browser(), app.browser()];
  await app.logIn(browser, person.email);
  app.clock.advanceMs(60_000);
  const code = await app.codeFor(halfway, person.email);
  app.clock.advanceMs(60_000);
  await atPassword.post("/login/code", { code: await app.codeFor(atPassword, person.email) });

  const wanted = { userId: person.userId, channel: "email", address: "New.One@Example.com" } as const;
  const address = "new.one@example.com";
  expect(await set({ ...admin, steppedUpAt: app.clock.now() }, wanted)).toEqual({
    channel: "email",
    address,
    sessionsEnded: 1,
  });
  expect(await set(commandLine, wanted)).toMatchObject({ address, sessionsEnded: 0 });

  expect((await browser.get("/session")).statusCode).toBe(401);
  expect((await halfway.post("/login/code", { code })).json().code).toBe("code_wrong");
  const sent = app.letters.length;
  app.clock.advanceMs(60_000);
  expect((await halfway.post("/login/resend")).statusCode).toBe(200);
  await app.settled();
  expect(app.letters).toHaveLength(sent);
  expect((await atPassword.post("/login/password", { password: "whatever it was" })).json().code).toBe(
    "password_wrong",
  );
  expect((await atPassword.post("/login/forgot")).json().code).toBe("login_expired");
  const { rows: told } = await owner.query(
    "SELECT address, subject, text FROM outgoing_message WHERE subject LIKE '%email address for Fusion%' ORDER BY address",
  );
  expect(told.map((notice) => [notice.address, notice.subject]).sort()).toEqual(
    [
      [person.phone, "Your email address for Fusion was changed"],
      [person.email, "Your email address for Fusion was changed"],
      [address, "Your email address for Fusion was changed"],
      [admin.email, `${person.name} has another email address for Fusion`],
    ].sort(),
  );
  expect(JSON.stringify(told.map(({ text }) => text))).not.toContain(address);
  const { rows: audit } = await owner.query(
    "SELECT actor_id, fintech_id, details->>'channel' AS channel FROM audit_entry WHERE action = 'user.identity-changed' AND object_id = $1",
    [person.userId],
  );
  expect(audit).toEqual([{ actor_id: admin.userId, fintech_id: fintech.fintechId, channel: "email" }]);

  // The login proves the new address; the old one is free for anybody.
  const verified = () =>
    owner.query("SELECT verified_at IS NOT NULL AS verified FROM identity WHERE address = $1", [address]);
  expect((await verified()).rows).toEqual([{ verified: false }]);
  await app.logIn(app.browser(), address);
  expect((await verified()).rows).toEqual([{ verified: true }]);
  await set(commandLine, { ...wanted, userId: admin.userId, address: person.email });
});

it("a person's address is set by whom their access is ended, to one that is free and of its kind", async () => {
  const [admin, person] = [await arrange("fintech_admin"), await arrange("fintech_member")];
  const stranger = await arrange("fintech_admin", await arrangeFintech(app.database.owner));
  const wanted = { userId: person.userId, channel: "sms", address: "98765 00001" } as const;
  const refusal = (actor: Parameters<typeof set>[0], input: Partial<Input> = {}) =>
    expect(set(actor, { ...wanted, ...input })).rejects;
  await refusal(person).toMatchObject({ code: "role_insufficient" });
  await refusal(stranger).toMatchObject({ code: "not_found" });
  await refusal(commandLine, { userId: "usr_doesNotExist" as never }).toMatchObject({ code: "not_found" });
  await refusal(admin, { address: admin.phone ?? "" }).toMatchObject({ code: "identity_taken" });
  await refusal(admin, { address: "a@b.example" }).toMatchObject({ fieldErrors: [{ pointer: "/phone" }] });
  await refusal(admin, { channel: "email" }).toMatchObject({ fieldErrors: [{ pointer: "/email" }] });
  app.clock.advanceMs(5 * 60_000);
  await refusal(admin).toMatchObject({ code: "step_up_required" });
  // The refusal changed nothing.
  await app.logIn(app.browser(), person.phone ?? "");
});
