import { ApplicationDetails, ApplicationList } from "@fusion/contract/applications.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import type { Administrator } from "../access/roles.ts";
import { createNodes } from "../leases/nodes.ts";
import { systemClock } from "../platform/clock.ts";
import { systemScope } from "../platform/database/database.ts";
import type { ApplicationId, FintechId, IfiId, UserId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { type ConsoleHttp, createConsoleHttp } from "../testing/console-http.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { createApplication } from "./create-application.ts";
import { createFintech } from "./create-fintech.ts";
import { createIfi } from "./create-ifi.ts";
import {
  findApplication,
  findApplicationFor,
  getApplicationToManage,
  listApplicationsFor,
  requireRevoke,
} from "./find-application.ts";
import { grantAccess, revokeAccess } from "./grant-access.ts";
import { registerFintechRoutes } from "./routes.ts";
import { suspendApplication, suspendFintech } from "./suspend.ts";

const root: Administrator = { kind: "cli", account: "root" };
let database: TestDatabase;
let deps: Parameters<typeof suspendApplication>[0];
let console_: ConsoleHttp;
let operator: UserPrincipal;
let operatorViewer: UserPrincipal;
let admin: UserPrincipal;
let member: UserPrincipal;
let stranger: UserPrincipal;
let fintech: { ifiId: IfiId; fintechId: FintechId; clientId: string };
let application: ApplicationId;
let hidden: ApplicationId;

beforeAll(async () => {
  database = await createTestDatabase();
  deps = {
    db: database.db,
    clock: systemClock,
    random: systemRandom,
    nodes: createNodes({ db: database.db, clock: systemClock }),
  };
  await createIfi(deps, root, { ifiId: "140793", name: "Test Bank" });
  fintech = await createFintech(deps, root, { ifiId: "140793", name: "Pagaar Pay" });
  const other = await createFintech(deps, root, { ifiId: "140793", name: "Other" });
  ({ applicationId: application } = await createApplication(deps, root, {
    fintechId: fintech.fintechId,
    environment: "live",
    name: "Payouts",
    description: "Pays out.",
    scopes: ["admin", "transfers:write"],
  }));
  ({ applicationId: hidden } = await createApplication(deps, root, {
    fintechId: fintech.fintechId,
    environment: "sandbox",
    name: "Trial",
  }));
  operator = await arrangeUser(database.owner, null, "operator_admin");
  operatorViewer = await arrangeUser(database.owner, null, "operator_viewer");
  admin = await arrangeUser(database.owner, fintech, "fintech_admin");
  member = await arrangeUser(database.owner, fintech, "fintech_member");
  stranger = await arrangeUser(database.owner, other, "fintech_admin");
  console_ = createConsoleHttp();
  for (const person of [operator, operatorViewer, admin, member, stranger]) console_.knows(person);
  registerFintechRoutes(console_.http, {
    db: database.db,
    clock: deps.clock,
    random: deps.random,
    nodes: deps.nodes,
    authenticate: console_.authenticate,
    publicUrl: "https://fusion.example",
    countTokens: async () =>
      new Map([[application, { active: 3, expiring: 1, lastUsedAt: new Date("2026-11-24T09:00:00Z") }]]),
  });
  await console_.http.ready();
});
afterAll(async () => {
  await console_.http.close();
  await database.drop();
});

async function ask(path: string, person: UserPrincipal | null) {
  const answer = await console_.http.inject({
    url: `/console/api${path}`,
    headers: person ? { "x-person": person.userId } : {},
  });
  return { status: answer.statusCode, json: answer.json(), text: answer.body.replaceAll(/req_\w+/g, "req") };
}

describe("onboarding", () => {
  it("is for operator admins and the command line", async () => {
    for (const actor of [operatorViewer, admin, member]) {
      await expect(createIfi(deps, actor, { ifiId: "7", name: "x" })).rejects.toMatchObject({
        code: "role_insufficient",
      });
      await expect(createFintech(deps, actor, { ifiId: "140793", name: "x" })).rejects.toMatchObject({
        code: "role_insufficient",
      });
      await expect(
        createApplication(deps, actor, { fintechId: fintech.fintechId, environment: "live", name: "x" }),
      ).rejects.toMatchObject({ code: "role_insufficient" });
      await expect(
        suspendApplication(deps, actor, { applicationId: application, suspended: true }),
      ).rejects.toMatchObject({ code: "role_insufficient" });
    }
    await createIfi(deps, operator, { ifiId: "9223372036854775807", name: "Largest" });
  });

  it("is recorded with who did it, where the fintech can read it", async () => {
    const { rows } = await database.owner.query(
      "SELECT action, actor_kind, actor_id, fintech_id FROM audit_entry WHERE object_id = ANY ($1) ORDER BY action",
      [[fintech.fintechId, application]],
    );
    expect(rows).toEqual([
      { action: "application.created", actor_kind: "cli", actor_id: "root", fintech_id: fintech.fintechId },
      { action: "fintech.created", actor_kind: "cli", actor_id: "root", fintech_id: fintech.fintechId },
    ]);
  });

  it("gives a client id for ever, readable and its own", async () => {
    expect(fintech.clientId).toMatch(/^pagaar-pay-[0-9a-f]{8}$/);
    const umlaut = await createFintech(deps, root, { ifiId: "140793", name: "₹ ✓" });
    expect(umlaut.clientId).toMatch(/^fintech-[0-9a-f]{8}$/);
    await expect(
      createFintech(deps, root, { ifiId: "140793", name: "x", clientId: fintech.clientId }),
    ).rejects.toMatchObject({ code: "already_exists" });
  });

  it("refuses what exists, what is unknown and what is wrong, by name", async () => {
    await expect(createIfi(deps, root, { ifiId: "140793", name: "x" })).rejects.toMatchObject({
      code: "already_exists",
    });
    for (const ifiId of ["0", "-1", "1.5", "x", "9223372036854775808", ""])
      await expect(createIfi(deps, root, { ifiId, name: "x" })).rejects.toMatchObject({
        fieldErrors: [{ pointer: "/ifiId" }],
      });
    await expect(createFintech(deps, root, { ifiId: "5", name: "x" })).rejects.toMatchObject({
      code: "not_found",
    });
    const wrong: [object, string][] = [
      [{ name: "" }, "/name"],
      [{ name: "a\u0000" }, "/name"],
      [{ timeZone: "Mars/Olympus" }, "/timeZone"],
      [{ timeZone: "+05:30" }, "/timeZone"],
      [{ reminderTime: "25:00" }, "/reminderTime"],
      [{ reminderTime: "23:31" }, "/reminderTime"],
      [{ clientId: "A B" }, "/clientId"],
      // It would be mistaken for the id of a fintech.
      [{ clientId: "3f2b8c52-9f53-4b0e-a3a4-1d3f6c0a7a10" }, "/clientId"],
      [{ tokensMax: 0 }, "/tokensMax"],
      [{ lifetimeDaysMax: 366 }, "/lifetimeDaysMax"],
    ];
    for (const [change, pointer] of wrong)
      await expect(
        createFintech(deps, root, { ifiId: "140793", name: "x", ...change }),
      ).rejects.toMatchObject({ code: "invalid_input", fieldErrors: [{ pointer }] });
    await expect(
      createApplication(deps, root, {
        fintechId: "00000000-0000-4000-8000-000000000000",
        environment: "live",
        name: "x",
      }),
    ).rejects.toMatchObject({ code: "not_found" });
    await expect(
      createApplication(deps, root, { fintechId: "x", environment: "live", name: "x" }),
    ).rejects.toMatchObject({ fieldErrors: [{ pointer: "/fintechId" }] });
  });
});

describe("access to an application", () => {
  const find = (actor: UserPrincipal, id = application) =>
    database.db.transaction(systemScope, (tx) => findApplicationFor(tx, actor, id));

  it("is decided by role and grant, even where row-level security shows everything", async () => {
    expect(await find(admin)).toMatchObject({ canManage: true, canRevoke: true });
    expect(await find(operator)).toMatchObject({ canManage: false, canRevoke: true });
    expect(await find(operatorViewer)).toMatchObject({ canManage: false, canRevoke: false });
    expect(await find(stranger)).toBeUndefined();
    expect(await find(member)).toBeUndefined();
    await grantAccess(deps, admin, { applicationId: application, userId: member.userId, level: "view" });
    expect(await find(member)).toMatchObject({ canManage: false, canRevoke: false });
    expect(await find(member, hidden)).toBeUndefined();
    await grantAccess(deps, operator, { applicationId: application, userId: member.userId, level: "manage" });
    // The person is told of each grant, but not of one that they have already.
    await grantAccess(deps, operator, { applicationId: application, userId: member.userId, level: "manage" });
    const { rows: told } = await database.owner.query(
      "SELECT text FROM outgoing_message JOIN identity USING (channel, address) WHERE user_id = $1 AND channel = 'email' ORDER BY text",
      [member.userId],
    );
    expect(told.map(({ text }) => text)).toEqual([
      "You may now look at Payouts (live) in the Fusion Management Console.",
      "You may now manage the tokens of Payouts (live) in the Fusion Management Console.",
    ]);
    expect(await find(member)).toMatchObject({ canManage: true, canRevoke: true });
    const listed = await database.db.transaction(systemScope, (tx) => listApplicationsFor(tx, member));
    expect(listed.map((item) => item.applicationId)).toEqual([application]);
    await revokeAccess(deps, admin, { applicationId: application, userId: member.userId });
    await revokeAccess(deps, admin, { applicationId: application, userId: member.userId });
    expect(await find(member)).toBeUndefined();
  });

  it("given and changed again and again is told six times an hour at most, so that nobody's phone is flooded", async () => {
    const place = { ifiId: fintech.ifiId, fintechId: fintech.fintechId, clientId: fintech.clientId };
    const [flooded, other] = [
      await arrangeUser(database.owner, place, "fintech_member"),
      await arrangeUser(database.owner, place, "fintech_member"),
    ];
    const told = async ({ userId }: UserPrincipal) =>
      (
        await database.owner.query(
          "SELECT FROM outgoing_message JOIN identity USING (channel, address) WHERE user_id = $1 AND channel = 'email'",
          [userId],
        )
      ).rowCount;
    for (let at = 0; at < 10; at += 1) {
      const level = at % 2 === 0 ? "view" : "manage";
      await grantAccess(deps, admin, { applicationId: application, userId: flooded.userId, level });
    }
    expect(await told(flooded)).toBe(6);
    await grantAccess(deps, admin, { applicationId: application, userId: other.userId, level: "view" });
    expect(await told(other)).toBe(1);
    await grantAccess(deps, admin, { applicationId: hidden, userId: flooded.userId, level: "view" });
    expect(await told(flooded)).toBe(7);
    expect(await find(flooded)).toMatchObject({ canManage: true });
    for (const { userId } of [flooded, other])
      for (const applicationId of [application, hidden])
        await revokeAccess(deps, admin, { applicationId, userId });
  });

  it("given twice at the same moment is told once", async () => {
    const place = { ifiId: fintech.ifiId, fintechId: fintech.fintechId, clientId: fintech.clientId };
    const { userId } = await arrangeUser(database.owner, place, "fintech_member");
    const first = await database.owner.connect();
    await first.query("BEGIN");
    await first.query(
      `INSERT INTO application_access (ifi_id, environment, fintech_id, application_id, user_id, level, granted_at)
       VALUES ($1, 'live', $2, $3, $4, 'view', now())`,
      [fintech.ifiId, fintech.fintechId, application, userId],
    );
    const second = grantAccess(deps, admin, { applicationId: application, userId, level: "view" });
    const waiting =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    await expect.poll(async () => (await first.query(waiting)).rowCount).toBe(1);
    await first.query("COMMIT");
    first.release();
    await second;
    const { rowCount: told } = await database.owner.query(
      "SELECT FROM outgoing_message JOIN identity USING (channel, address) WHERE user_id = $1",
      [userId],
    );
    expect(told).toBe(0);
    await revokeAccess(deps, admin, { applicationId: application, userId });
  });

  it("is not reported as taken from somebody who is not there, or who needs no grant", async () => {
    const take = (userId: string) =>
      revokeAccess(deps, operator, { applicationId: application, userId: userId as UserId });
    for (const userId of ["usr_nobody", stranger.userId])
      await expect(take(userId)).rejects.toMatchObject({ code: "not_found" });
    expect(await take(member.userId)).toEqual({ seesAll: false });
    expect(await take(admin.userId)).toEqual({ seesAll: true });
  });

  it("to manage it is refused to whoever may look, and hides from whoever may not", async () => {
    const manage = (actor: Administrator, id: ApplicationId = application) =>
      database.db.transaction(systemScope, (tx) => getApplicationToManage(tx, actor, id));
    expect(await manage(admin)).toMatchObject({ applicationId: application, canManage: true });
    const refusal = {
      code: "role_insufficient",
      message: expect.stringContaining("a person who may manage this application"),
    };
    await expect(manage(operator)).rejects.toMatchObject(refusal);
    await expect(manage(root)).rejects.toMatchObject(refusal);
    await expect(manage(stranger)).rejects.toMatchObject({ code: "not_found" });
    expect(() => requireRevoke({ canRevoke: false })).toThrow(expect.objectContaining(refusal));
    expect(() => requireRevoke({ canRevoke: true })).not.toThrow();
  });

  it("is nothing that the program itself has: what it reads tells of no rights", async () => {
    const read = (id: ApplicationId) => database.db.transaction(systemScope, (tx) => findApplication(tx, id));
    const found = await read(application);
    expect(found).toMatchObject({ name: "Payouts", fintechName: "Pagaar Pay" });
    expect(found).not.toHaveProperty("canManage");
    expect(await read("app_none" as ApplicationId)).toBeUndefined();
  });

  it("is not for members, viewers and strangers to give, nor for people of another fintech to get", async () => {
    const give = (actor: Administrator, userId: UserId, applicationId = application) =>
      grantAccess(deps, actor, { applicationId, userId, level: "manage" });
    await expect(give(member, member.userId)).rejects.toMatchObject({ code: "role_insufficient" });
    await expect(give(operatorViewer, member.userId)).rejects.toMatchObject({ code: "role_insufficient" });
    await expect(give(stranger, stranger.userId)).rejects.toMatchObject({ code: "not_found" });
    await expect(give({ ...admin, steppedUpAt: new Date(0) }, member.userId)).rejects.toMatchObject({
      code: "step_up_required",
    });
    await expect(give(root, stranger.userId)).rejects.toMatchObject({ code: "not_found" });
    await expect(give(root, operator.userId)).rejects.toMatchObject({ code: "not_found" });
    await expect(give(root, member.userId, "app_none" as ApplicationId)).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("suspension", () => {
  it("is written once, lifted once, and audited each time", async () => {
    const change = async (suspended: boolean) => {
      await suspendApplication(deps, operator, { applicationId: hidden, suspended });
      await suspendApplication(deps, operator, { applicationId: hidden, suspended });
    };
    await change(true);
    expect((await ask(`/applications/${hidden}`, admin)).json.suspended).toBe(true);
    await change(false);
    expect((await ask(`/applications/${hidden}`, admin)).json.suspended).toBe(false);
    await suspendFintech(deps, root, { fintechId: fintech.fintechId, suspended: true });
    expect((await ask(`/applications/${application}`, admin)).json.suspended).toBe(true);
    await suspendFintech(deps, root, { fintechId: fintech.fintechId, suspended: false });
    const { rows } = await database.owner.query(
      "SELECT action FROM audit_entry WHERE action ~ '(suspended|resumed)$' ORDER BY xmin::text::bigint",
    );
    expect(rows.map((row) => row.action)).toEqual([
      "application.suspended",
      "application.resumed",
      "fintech.suspended",
      "fintech.resumed",
    ]);
    await expect(
      suspendFintech(deps, root, { fintechId: "x" as FintechId, suspended: true }),
    ).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("GET /console/api/applications", () => {
  it("200: lists what the person may see, live first, with the tokens' figures", async () => {
    const { json } = await ask("/applications", admin);
    expect(ApplicationList.parse(json).applications).toMatchObject([
      {
        applicationId: application,
        environment: "live",
        activeTokens: 3,
        expiringTokens: 1,
        canManage: true,
      },
      { applicationId: hidden, environment: "sandbox", activeTokens: 0, lastUsedAt: null },
    ]);
    expect((await ask("/applications", stranger)).json.applications).toEqual([]);
    expect((await ask("/applications", member)).json.applications).toEqual([]);
    expect((await ask("/applications", operatorViewer)).json.applications).toHaveLength(2);
  });

  it("200: tells all details, the base URL and the contacts included", async () => {
    const details = ApplicationDetails.parse((await ask(`/applications/${application}`, admin)).json);
    expect(details).toMatchObject({
      name: "Payouts",
      description: "Pays out.",
      clientId: fintech.clientId,
      ifiId: "140793",
      baseUrl: "https://fusion.example/api/v1/ifi/140793",
      scopes: ["admin", "transfers:write"],
      timeZone: "Asia/Kolkata",
      tokensMax: 10,
      lifetimeDaysMax: 365,
      contacts: [{ name: admin.name, role: "fintech_admin" }],
    });
  });

  it("400, 401, 404: others' applications answer with the same bytes as missing ones", async () => {
    expect(await ask("/applications/x", admin)).toMatchObject({ status: 400 });
    expect(await ask("/applications", null)).toMatchObject({ status: 401 });
    expect(await ask("/applications/x", null)).toMatchObject({ status: 401 });
    for (const [person, id] of [
      [stranger, application],
      [member, hidden],
    ] as const) {
      const theirs = await ask(`/applications/${id}`, person);
      expect(theirs.status).toBe(404);
      expect(theirs.text).toBe((await ask("/applications/app_missing", person)).text);
    }
  });
});
