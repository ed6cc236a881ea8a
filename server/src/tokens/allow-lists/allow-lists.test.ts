import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { setApplicationPolicy } from "../../fintechs/set-application-policy.ts";
import { ChangeUnconfirmed } from "../../leases/errors.ts";
import { createNodes } from "../../leases/nodes.ts";
import { manualClock, systemClock } from "../../platform/clock.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { randomUuid, systemRandom } from "../../platform/random.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  latestEpoch,
  type TestFintech,
} from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";
import { authorizeWrite } from "../check/authorize-write.ts";
import { writeUsage } from "../usage/usage-store.ts";
import { previewAllowList } from "./preview-allow-list.ts";
import { setTokenAllowList } from "./set-token-allow-list.ts";

// Setting where tokens may be used: an application's list and a token's own.

type Person = Awaited<ReturnType<typeof arrangeUser>>;
let database: TestDatabase;
const clock = manualClock(new Date());
let deps: Parameters<typeof setTokenAllowList>[0];
let fintech: TestFintech;
let application: ApplicationId;
let liveApplication: ApplicationId;
let token: TestToken;
let admin: Person;
let manager: Person;
let viewer: Person;

beforeAll(async () => {
  database = await createTestDatabase();
  const nodes = createNodes({ db: database.db, clock: systemClock });
  deps = { db: database.db, clock, random: systemRandom, nodes };
});
afterAll(() => database.drop());
beforeEach(async () => {
  const { owner } = database;
  fintech = await arrangeFintech(owner);
  application = await arrangeApplication(owner, fintech, "sandbox", ["admin", "accounts:read"]);
  liveApplication = await arrangeApplication(owner, fintech, "live");
  admin = await arrangeUser(owner, fintech, "fintech_admin", { now: clock.now() });
  manager = await arrangeUser(owner, fintech, "fintech_member", { now: clock.now() });
  viewer = await arrangeUser(owner, fintech, "fintech_member", { now: clock.now() });
  for (const id of [application, liveApplication]) {
    await grantAccess(owner, manager, id, "manage");
    await grantAccess(owner, viewer, id, "view");
  }
  token = await arrangeToken(owner, application, admin, { name: "Payroll" });
});

const setOwn = (by: Person, ipAllowList: readonly string[], tokenId: TokenId = token.tokenId) =>
  setTokenAllowList(deps, by, { tokenId, ipAllowList });
const setAll = (
  by: Parameters<typeof setApplicationPolicy>[1],
  ipAllowList: string[],
  applicationId: ApplicationId = application,
) => setApplicationPolicy(deps, by, { applicationId, policy: { ipAllowList } });
const lastAudit = async (objectId: string): Promise<unknown[]> =>
  (
    await database.owner.query(
      "SELECT action, actor_id, details FROM audit_entry WHERE object_id = $1 ORDER BY at DESC, audit_id DESC",
      [objectId],
    )
  ).rows;
const write = () =>
  database.db.transaction({ kind: "tenants", tenants: [token.principal.tenant] }, (tx) =>
    authorizeWrite(tx, token.principal),
  );

describe("setting a list", () => {
  it("keeps each range once, as PostgreSQL writes it, tells the audit what changed, and ends the authority of calls under way", async () => {
    await write();
    const set = await setOwn(manager, [
      "203.0.113.7",
      "203.0.113.7",
      "::ffff:198.51.100.0/120",
      "2001:DB8::/32",
    ]);
    expect(set.ipAllowList).toEqual(["203.0.113.7/32", "198.51.100.0/24", "2001:db8::/32"]);
    expect(await lastAudit(token.tokenId)).toEqual([
      {
        action: "token.ip-allow-list-set",
        actor_id: manager.userId,
        details: { name: "Payroll", from: [], to: set.ipAllowList },
      },
    ]);
    await expect(write()).rejects.toMatchObject({ code: "token_policy_changed" });
    // Setting the same list once more is no change.
    await setOwn(manager, set.ipAllowList);
    expect(await lastAudit(token.tokenId)).toHaveLength(1);
  });

  it("waits for the writes that were admitted before", async () => {
    const { db, owner } = database;
    const waiting =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for (const set of [() => setOwn(manager, ["203.0.113.0/24"]), () => setAll(admin, ["203.0.113.0/24"])]) {
      const scope = { kind: "tenants", tenants: [token.principal.tenant] } as const;
      // Each set counts one more change of the token's or the application's policy.
      const [{ policy }] = (
        await owner.query(
          "SELECT token_policy(a.policy_version, t.policy_version) AS policy FROM token t JOIN application a USING (application_id) WHERE token_id = $1",
          [token.tokenId],
        )
      ).rows;
      const [setting] = await db.transaction(scope, async (tx) => {
        await authorizeWrite(tx, { ...token.principal, policy });
        await tx.query(
          "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL transaction_timeout = 0",
        );
        const setting = set();
        await expect.poll(async () => (await owner.query(waiting)).rowCount).toBe(1);
        return [setting];
      });
      expect((await setting).ipAllowList).toEqual(["203.0.113.0/24"]);
    }
  });

  it("of an application is for admins of the fintech and the Fusion team's, of a token for who may manage it", async () => {
    const { owner } = database;
    const operator = await arrangeUser(owner, null, "operator_admin", { now: clock.now() });
    const operatorViewer = await arrangeUser(owner, null, "operator_viewer", { now: clock.now() });
    for (const by of [admin, operator, { kind: "cli", account: "omar" } as const])
      expect((await setAll(by, ["203.0.113.0/24"])).ipAllowList).toEqual(["203.0.113.0/24"]);
    for (const by of [manager, viewer, operatorViewer])
      await expect(setAll(by, [])).rejects.toMatchObject({ code: "role_insufficient" });
    for (const by of [admin, manager])
      expect((await setOwn(by, ["192.0.2.0/24"])).ipAllowList).toEqual(["192.0.2.0/24"]);
    for (const by of [viewer, operator, operatorViewer])
      await expect(setOwn(by, [])).rejects.toMatchObject({ code: "role_insufficient" });
  });

  it("answers for others' applications and tokens exactly as for missing ones", async () => {
    const stranger = await arrangeUser(database.owner, await arrangeFintech(database.owner), "fintech_admin");
    for (const attempt of [
      () => setAll(stranger, []),
      () => setAll(stranger, [], "app_none" as ApplicationId),
      () => previewAllowList(deps, stranger, { applicationId: application }, []),
    ])
      await expect(attempt()).rejects.toMatchObject({
        code: "not_found",
        message: "There is no such application.",
      });
    for (const attempt of [
      () => setOwn(stranger, []),
      () => setOwn(stranger, [], "tok_none" as TokenId),
      () => previewAllowList(deps, stranger, { tokenId: token.tokenId }, []),
    ])
      await expect(attempt()).rejects.toMatchObject({
        code: "not_found",
        message: "There is no such token.",
      });
  });

  it("takes recent presence in a live application, and in no other", async () => {
    const live = await arrangeToken(database.owner, liveApplication, admin);
    const long = { ...admin, steppedUpAt: new Date(clock.now().getTime() - 301_000) };
    await expect(setAll(long, [], liveApplication)).rejects.toMatchObject({ code: "step_up_required" });
    await expect(setOwn(long, [], live.tokenId)).rejects.toMatchObject({ code: "step_up_required" });
    await setAll(admin, ["203.0.113.0/24"], liveApplication);
    await setOwn(admin, ["203.0.113.0/24"], live.tokenId);
    await setAll(long, []);
    await setOwn(long, []);
  });

  it("names each entry that is no range, and changes nothing then", async () => {
    await setOwn(admin, ["203.0.113.0/24"]);
    for (const set of [setOwn, setAll])
      await expect(set(admin, ["198.51.100.0/24", "203.0.113.7/24", "example.com"])).rejects.toMatchObject({
        code: "invalid_input",
        fieldErrors: [
          { pointer: "/ipAllowList/1", detail: expect.stringContaining("first address") },
          { pointer: "/ipAllowList/2", detail: expect.stringContaining("CIDR range") },
        ],
      });
    expect((await setOwn(admin, ["203.0.113.0/24"])).ipAllowList).toEqual(["203.0.113.0/24"]);
  });
});

describe("scopes and the limit of tokens", () => {
  it("are the Fusion team's to set, audited with what was before", async () => {
    const operator = await arrangeUser(database.owner, null, "operator_admin");
    await expect(
      setApplicationPolicy(deps, admin, { applicationId: application, policy: { scopes: ["admin"] } }),
    ).rejects.toMatchObject({ code: "role_insufficient" });
    await expect(
      setApplicationPolicy(deps, admin, { applicationId: application, policy: { tokensMax: 3 } }),
    ).rejects.toMatchObject({ code: "role_insufficient" });
    const set = await setApplicationPolicy(deps, operator, {
      applicationId: application,
      policy: { scopes: ["accounts:read", "accounts:read"], tokensMax: 3 },
    });
    expect(set).toMatchObject({ scopes: ["accounts:read"], tokensMax: 3, ipAllowList: [] });
    expect(await lastAudit(application)).toEqual([
      {
        action: "application.policy-set",
        actor_id: operator.userId,
        details: {
          scopes: { from: ["admin", "accounts:read"], to: ["accounts:read"] },
          tokensMax: { from: 10, to: 3 },
        },
      },
    ]);
    await expect(write()).rejects.toMatchObject({ code: "token_policy_changed" });
    const back = await setApplicationPolicy(deps, operator, {
      applicationId: application,
      policy: { tokensMax: null },
    });
    expect(back.tokensMax).toBe(10);
  });
});

describe("what narrows", () => {
  const narrowings = {
    "a token's list": (nodes: typeof deps.nodes) =>
      setTokenAllowList({ ...deps, nodes }, admin, {
        tokenId: token.tokenId,
        ipAllowList: ["203.0.113.0/24"],
      }),
    "an application's list": (nodes: typeof deps.nodes) =>
      setApplicationPolicy({ ...deps, nodes }, admin, {
        applicationId: application,
        policy: { ipAllowList: ["203.0.113.0/24"] },
      }),
    "an application's scopes": (nodes: typeof deps.nodes) =>
      setApplicationPolicy(
        { ...deps, nodes },
        { kind: "cli", account: "omar" },
        { applicationId: application, policy: { scopes: ["accounts:read"] } },
      ),
  };
  /** Whether a call that was admitted under the old rules may still write. */
  const isInForce = () =>
    write().then(
      () => false,
      (error: { code?: string }) => error.code === "token_policy_changed",
    );

  it.each(Object.entries(narrowings))(
    "as %s does has committed when it waits, once, until every node knows of it",
    async (_what, narrow) => {
      const before = await latestEpoch(database.owner);
      const seenByTheWait: [boolean, number | undefined][] = [];
      await narrow({
        untilAllKnow: async (epoch) => {
          seenByTheWait.push([await isInForce(), epoch]);
          return { confirmed: 3, total: 3 };
        },
      });
      expect(seenByTheWait).toEqual([[true, before + 1]]);
    },
  );

  it.each(Object.entries(narrowings))(
    "as %s does, and is not confirmed, says so, and is completed by the same call, which changes nothing more",
    async (_what, narrow) => {
      const lost = { untilAllKnow: () => Promise.reject(new ChangeUnconfirmed()) };
      await expect(narrow(lost)).rejects.toMatchObject({ code: "change_unconfirmed" });
      expect(await isInForce()).toBe(true);
      let waits = 0;
      await narrow({
        untilAllKnow: async () => {
          waits += 1;
          return { confirmed: 3, total: 3 };
        },
      });
      expect(waits).toBe(1);
      const audited = [...(await lastAudit(token.tokenId)), ...(await lastAudit(application))];
      expect(audited).toHaveLength(1);
    },
  );
});

describe("the preview of a list", () => {
  it("tells who called in the last 24 hours and would be refused, and which tokens nobody could use", async () => {
    const other = await arrangeToken(database.owner, application, admin, { name: "Reports" });
    const called = (by: TestToken, ip: string, hoursAgo: number, outcome = "accepted") => {
      const at = new Date(clock.now().getTime() - hoursAgo * 3_600_000);
      const { applicationId, tenant } = by.principal;
      const kind = { ip, userAgent: "okhttp/4.12", outcome, route: "GET /bundles" };
      const count = {
        token: { tokenId: by.tokenId, applicationId, tenant },
        quarterHourMs: Math.floor(at.getTime() / 900_000) * 900_000,
        calls: 1,
        firstAtMs: at.getTime(),
        lastAtMs: at.getTime(),
        ...{ counted: kind, first: kind, last: kind },
      };
      return writeUsage(database.db, { writerId: randomUuid(systemRandom), number: 1, counts: [count] });
    };
    await called(token, "203.0.113.7", 1);
    await called(token, "2001:db8::7", 3);
    await called(other, "198.51.100.7", 2);
    await called(other, "198.51.100.8", 25);
    await called(other, "198.51.100.9", 1, "token_revoked");
    await setOwn(admin, ["203.0.113.0/24"], other.tokenId);

    const excluded = async (
      of: Parameters<typeof previewAllowList>[2],
      list: string[],
      by: Person = admin,
    ) => {
      const { excludedCallers, unusableTokens } = await previewAllowList(deps, by, of, list);
      return [excludedCallers.map(({ ip }) => ip), unusableTokens.map(({ name }) => name)];
    };
    const ofApplication = { applicationId: application };
    expect(await excluded(ofApplication, [])).toEqual([[], []]);
    expect(await excluded(ofApplication, ["203.0.113.0/24"])).toEqual([["198.51.100.7", "2001:db8::7"], []]);
    expect(await excluded(ofApplication, ["198.51.100.0/24", "2001:db8::/32"])).toEqual([
      ["203.0.113.7"],
      ["Reports"],
    ]);
    expect(await excluded(ofApplication, ["203.0.113.128/25", "::/0"], viewer)).toEqual([
      ["203.0.113.7", "198.51.100.7"],
      [],
    ]);
    const ofToken = { tokenId: token.tokenId };
    expect(await excluded(ofToken, ["2001:db8::/64"])).toEqual([["203.0.113.7"], []]);
    await setAll(admin, ["203.0.113.0/24"]);
    expect(await excluded(ofToken, ["2001:db8::/64"])).toEqual([["203.0.113.7"], ["Payroll"]]);
    await expect(excluded(ofToken, ["2001:db8::1/64"])).rejects.toMatchObject({ code: "invalid_input" });
  });
});
