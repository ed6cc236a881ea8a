import {
  WebhookDeliveryDetails,
  WebhookDeliveryList,
  WebhookEndpointDetails,
  WebhookEndpointList,
  WebhookEndpointWithSecret,
} from "@fusion/contract/webhooks.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { createKeys } from "../platform/keys.ts";
import { systemRandom } from "../platform/random.ts";
import { type ConsoleHttp, createConsoleHttp } from "../testing/console-http.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, grantAccess } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { registerWebhookRoutes } from "./routes.ts";

let database: TestDatabase;
let console_: ConsoleHttp;
let sandbox: ApplicationId;
let live: ApplicationId;
let admin: UserPrincipal;
let manager: UserPrincipal;
let viewer: UserPrincipal;
let stranger: UserPrincipal;
let operatorAdmin: UserPrincipal;
let operatorViewer: UserPrincipal;
const clock: ManualClock = manualClock(new Date());
const keys = createKeys(Buffer.alloc(32, 7), systemRandom);

beforeAll(async () => {
  database = await createTestDatabase();
  const { owner } = database;
  const fintech = await arrangeFintech(owner);
  sandbox = await arrangeApplication(owner, fintech, "sandbox");
  live = await arrangeApplication(owner, fintech, "live");
  const longAgo = { now: new Date(clock.now().getTime() - 3_600_000) };
  admin = await arrangeUser(owner, fintech, "fintech_admin", longAgo);
  manager = await arrangeUser(owner, fintech, "fintech_member", longAgo);
  viewer = await arrangeUser(owner, fintech, "fintech_member");
  await grantAccess(owner, manager, sandbox, "manage");
  await grantAccess(owner, viewer, sandbox, "view");
  stranger = await arrangeUser(owner, await arrangeFintech(owner), "fintech_admin");
  operatorAdmin = await arrangeUser(owner, null, "operator_admin");
  operatorViewer = await arrangeUser(owner, null, "operator_viewer");
  console_ = createConsoleHttp();
  for (const person of [admin, manager, viewer, stranger, operatorAdmin, operatorViewer])
    console_.knows(person);
  registerWebhookRoutes(console_.http, {
    db: database.db,
    clock,
    random: systemRandom,
    keys,
    policy: { allowLoopback: false },
    authenticate: console_.authenticate,
    publicUrl: "https://fusion.example",
  });
  await console_.http.ready();
});
afterAll(async () => {
  await console_.http.close();
  await database.drop();
});

let addresses = 0;
const newUrl = (): string => {
  addresses += 1;
  return `https://hooks.example.com/${addresses}`;
};

async function call(
  person: UserPrincipal | null,
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  payload?: unknown,
): Promise<{ status: number; body: unknown; code: string | undefined; text: string }> {
  const response = await console_.http.inject({
    method,
    url: `/console/api${path}`,
    headers: person ? { "x-person": person.userId } : {},
    ...(payload === undefined ? {} : { payload: payload as object }),
  });
  const body = response.body === "" ? null : JSON.parse(response.body);
  return { status: response.statusCode, body, code: body?.code, text: response.body };
}

async function add(person = admin, url = newUrl()): Promise<WebhookEndpointWithSecret> {
  const answer = await call(person, "POST", `/applications/${sandbox}/webhooks`, {
    url,
    // Not in the order of the contract's list.
    events: ["RESOURCE_CREATED", "TRANSFER_CREATED"],
  });
  expect(answer.status).toBe(201);
  return WebhookEndpointWithSecret.parse(answer.body);
}

describe("answers that go well", () => {
  it("show the secret when it is made and never again, and keep it sealed", async () => {
    const { endpoint, secret } = await add(manager);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    clock.advanceMs(1);
    const rotated = await call(manager, "POST", `/webhooks/${endpoint.endpointId}/rotate`, {
      overlapHours: 1,
    });
    const fresh = WebhookEndpointWithSecret.parse(rotated.body);
    expect(fresh.secret).not.toBe(secret);
    expect(fresh.endpoint.previousSecretEndsAt).toBe(
      new Date(clock.now().getTime() + 3_600_000).toISOString(),
    );
    const list = await call(manager, "GET", `/applications/${sandbox}/webhooks`);
    const details = await call(manager, "GET", `/webhooks/${endpoint.endpointId}`);
    expect(WebhookEndpointList.parse(list.body).canManage).toBe(true);
    expect(WebhookEndpointDetails.parse(details.body).history.map(({ action, by }) => [action, by])).toEqual([
      ["webhook-endpoint.secret-rotated", manager.name],
      ["webhook-endpoint.added", manager.name],
    ]);
    const { rows } = await database.owner.query(
      `SELECT secret, previous_secret, (SELECT json_agg(a) FROM audit_entry a) AS trail FROM webhook_endpoint WHERE endpoint_id = $1`,
      [endpoint.endpointId],
    );
    const bytes = Buffer.concat([rows[0].secret, rows[0].previous_secret]).toString("latin1");
    for (const shown of [secret, fresh.secret]) {
      for (const text of [list.text, details.text, bytes, JSON.stringify(rows[0].trail), console_.logged()])
        expect(text).not.toContain(shown.slice(6));
    }
    expect(keys.open("webhook-secret", rows[0].secret, endpoint.endpointId)).toBe(fresh.secret);
  });

  it("disable, enable, test, list, redeliver and delete", async () => {
    const { endpoint } = await add();
    const path = `/webhooks/${endpoint.endpointId}`;
    expect((await call(admin, "POST", `${path}/disable`)).body).toMatchObject({ disabledBecause: "person" });
    expect(await call(admin, "POST", `${path}/test`)).toMatchObject({
      status: 409,
      code: "webhook_disabled",
    });
    expect((await call(admin, "POST", `${path}/enable`)).body).toMatchObject({ disabledAt: null });
    const events: string[] = [];
    for (let at = 0; at < 52; at += 1) {
      clock.advanceMs(1);
      const sent = await call(admin, "POST", `${path}/test`);
      expect(sent.status).toBe(201);
      events.unshift((sent.body as { eventId: string }).eventId);
    }
    const first = WebhookDeliveryList.parse((await call(admin, "GET", `${path}/deliveries`)).body);
    const second = WebhookDeliveryList.parse(
      (await call(admin, "GET", `${path}/deliveries?cursor=${first.nextCursor}`)).body,
    );
    expect([...first.deliveries, ...second.deliveries].map(({ eventId }) => eventId)).toEqual(events);
    expect([first.deliveries.length, second.nextCursor]).toEqual([50, null]);
    expect(first.deliveries[0]).toMatchObject({ name: "WEBHOOK_TEST", state: "waiting", attemptCount: 0 });
    const none = await call(admin, "GET", `${path}/deliveries?status=failed`);
    expect(WebhookDeliveryList.parse(none.body).deliveries).toEqual([]);
    const one = await call(admin, "GET", `${path}/deliveries/${events[0]}`);
    expect(JSON.parse(WebhookDeliveryDetails.parse(one.body).body ?? "")).toMatchObject({
      eventId: events[0],
    });
    expect((await call(admin, "POST", `${path}/deliveries/${events[0]}/redeliver`)).status).toBe(200);
    expect((await call(admin, "DELETE", path)).status).toBe(204);
    expect((await call(admin, "GET", path)).status).toBe(404);
    // Its address is free again.
    await add(admin, endpoint.url);
  });
});

describe("editing", () => {
  it("changes address and events, keeps the secret, ends the time of failing, and is audited", async () => {
    const { endpoint, secret } = await add(manager);
    const path = `/webhooks/${endpoint.endpointId}`;
    await database.owner.query("UPDATE webhook_endpoint SET failing_since = now() WHERE endpoint_id = $1", [
      endpoint.endpointId,
    ]);
    const same = { url: endpoint.url, events: [...endpoint.events].reverse() };
    expect((await call(manager, "PUT", path, same)).body).toMatchObject({
      url: endpoint.url,
      events: endpoint.events,
      failingSince: expect.any(String),
    });
    const fewer = { url: endpoint.url, events: ["TRANSFER_CREATED"] };
    expect((await call(manager, "PUT", path, fewer)).body).toMatchObject({
      ...fewer,
      failingSince: expect.any(String),
    });
    clock.advanceMs(1);
    const moved = { url: newUrl(), events: ["RESOURCE_CREATED", "FORM_FACTOR_CREATED"] };
    expect((await call(manager, "PUT", path, moved)).body).toMatchObject({ ...moved, failingSince: null });
    const { rows } = await database.owner.query(
      `SELECT secret, (SELECT json_agg(details ORDER BY xmin::text::bigint) FROM audit_entry
         WHERE object_id = endpoint_id AND action = 'webhook-endpoint.edited') AS edits
       FROM webhook_endpoint WHERE endpoint_id = $1`,
      [endpoint.endpointId],
    );
    expect(keys.open("webhook-secret", rows[0].secret, endpoint.endpointId)).toBe(secret);
    // An edit that changed nothing is not in the trail.
    expect(rows[0].edits).toMatchObject([
      { ...fewer, before: { url: endpoint.url, events: endpoint.events } },
      { ...moved, before: fewer },
    ]);
    await call(manager, "DELETE", path);
  });

  it("to another endpoint's address is refused, also when two want it at once", async () => {
    const [one, two, three] = [await add(), await add(), await add()];
    const to = (which: WebhookEndpointWithSecret, url: string) =>
      call(admin, "PUT", `/webhooks/${which.endpoint.endpointId}`, { url, events: ["TRANSFER_CREATED"] });
    expect(await to(one, two.endpoint.url)).toMatchObject({ status: 409, code: "webhook_url_taken" });
    const url = newUrl();
    const answers = await Promise.all([
      to(one, url),
      to(two, url),
      to(three, url),
      call(admin, "POST", `/applications/${sandbox}/webhooks`, { url, events: ["TRANSFER_CREATED"] }),
    ]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect(answers.filter(({ code }) => code === "webhook_url_taken")).toHaveLength(3);
    await database.owner.query("DELETE FROM webhook_endpoint WHERE events = '{TRANSFER_CREATED}'");
  });
});

describe("400", () => {
  it.each([
    "http://hooks.example.com/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://user:pw@hooks.example.com/",
    "https://localhost/",
    "nonsense",
    // Short as entered, too long as stored.
    `https://hooks.example.com/${"₹".repeat(60)}`,
  ])("an address that is not delivered to: %s", async (url) => {
    const answer = await call(admin, "POST", `/applications/${sandbox}/webhooks`, {
      url,
      events: ["TRANSFER_CREATED"],
    });
    expect(answer).toMatchObject({ status: 400, code: "webhook_url_refused" });
    expect(answer.body).toMatchObject({ errors: [{ pointer: "/url" }] });
    const { endpoint } = await add();
    const path = `/webhooks/${endpoint.endpointId}`;
    expect(await call(admin, "PUT", path, { url, events: ["TRANSFER_CREATED"] })).toMatchObject({
      status: 400,
      code: "webhook_url_refused",
    });
    expect((await call(admin, "DELETE", path)).status).toBe(204);
  });

  it("no event, an unknown one, one twice, another overlap", async () => {
    for (const events of [[], ["CARD_SWIPED"], ["TRANSFER_CREATED", "TRANSFER_CREATED"]])
      expect(
        (await call(admin, "POST", `/applications/${sandbox}/webhooks`, { url: newUrl(), events })).status,
      ).toBe(400);
    const { endpoint } = await add();
    expect(
      (await call(admin, "POST", `/webhooks/${endpoint.endpointId}/rotate`, { overlapHours: 5 })).status,
    ).toBe(400);
  });
});

describe("401", () => {
  it("nobody without a session", async () => {
    for (const path of [`/applications/${sandbox}/webhooks`, "/webhooks/whk_1", "/webhooks/whk_1/deliveries"])
      expect((await call(null, "GET", path)).status).toBe(401);
  });
});

describe("403", () => {
  it("who may only look, the Fusion team among them, looks", async () => {
    const { endpoint } = await add();
    const path = `/webhooks/${endpoint.endpointId}`;
    const { body } = await call(admin, "POST", `${path}/test`);
    const { eventId } = body as { eventId: string };
    for (const person of [viewer, operatorAdmin]) {
      expect((await call(person, "GET", path)).body).toMatchObject({ canManage: false });
      expect((await call(person, "GET", `${path}/deliveries/${eventId}`)).status).toBe(200);
      const refused = { status: 403, code: "role_insufficient" };
      for (const change of ["disable", "enable", "test", `deliveries/${eventId}/redeliver`])
        expect(await call(person, "POST", `${path}/${change}`)).toMatchObject(refused);
      expect(await call(person, "POST", `${path}/rotate`, { overlapHours: 0 })).toMatchObject(refused);
      expect(await call(person, "DELETE", path)).toMatchObject(refused);
      expect(await call(person, "PUT", path, { url: newUrl(), events: ["TRANSFER_CREATED"] })).toMatchObject(
        refused,
      );
      expect(
        await call(person, "POST", `/applications/${sandbox}/webhooks`, {
          url: newUrl(),
          events: ["TRANSFER_CREATED"],
        }),
      ).toMatchObject(refused);
    }
  });

  it("what was sent and answered is the fintech's alone; the Fusion team sees when, and what came of it", async () => {
    const { endpoint } = await add();
    const path = `/webhooks/${endpoint.endpointId}`;
    const { eventId } = (await call(admin, "POST", `${path}/test`)).body as { eventId: string };
    const at = clock.now().toISOString();
    const tries = [
      { at, durationMs: 3, status: 500, error: "The endpoint answered 500.", response: "Planted for Asha" },
      { at, durationMs: 4, status: null, error: "It could not be connected to.", response: null },
      { at, durationMs: 5, status: 422, error: "The endpoint answered 422.", response: "Planted for Asha" },
    ];
    await database.owner.query(
      `WITH told AS (UPDATE webhook_event SET body = '{"remarks":"Planted for Asha"}' WHERE event_id = $1)
       UPDATE webhook_delivery SET attempts = $2 WHERE event_id = $1`,
      [eventId, JSON.stringify(tries)],
    );
    const read = async (person: UserPrincipal) => {
      const list = await call(person, "GET", `${path}/deliveries`);
      const one = await call(person, "GET", `${path}/deliveries/${eventId}`);
      expect([list.status, one.status]).toEqual([200, 200]);
      return {
        listed: WebhookDeliveryList.parse(list.body).deliveries[0],
        delivery: WebhookDeliveryDetails.parse(one.body),
        text: list.text + one.text,
      };
    };
    for (const person of [admin, manager, viewer]) {
      const { listed, delivery } = await read(person);
      expect(delivery).toMatchObject({ body: '{"remarks":"Planted for Asha"}', attempts: tries });
      expect(listed?.lastAttempt).toEqual(tries[2]);
    }
    const withheld = tries.map((attempt) => ({ ...attempt, response: null }));
    for (const person of [operatorAdmin, operatorViewer]) {
      const { listed, delivery, text } = await read(person);
      expect(delivery).toMatchObject({ eventId, name: "WEBHOOK_TEST", body: null, attempts: withheld });
      expect(listed).toMatchObject({ eventId, lastAttempt: withheld[2], attemptCount: 3 });
      expect(text).not.toContain("Planted");
    }
    expect((await call(admin, "DELETE", path)).status).toBe(204);
  });

  it("in live, adding, editing and rotating ask for fresh presence, and nothing was changed", async () => {
    const body = { url: newUrl(), events: ["TRANSFER_CREATED"] };
    const refused = { status: 403, code: "step_up_required" };
    expect(await call(admin, "POST", `/applications/${live}/webhooks`, body)).toMatchObject(refused);
    const present: UserPrincipal = { ...admin, steppedUpAt: clock.now() };
    console_.knows(present);
    const added = WebhookEndpointWithSecret.parse(
      (await call(present, "POST", `/applications/${live}/webhooks`, body)).body,
    );
    console_.knows(admin);
    const path = `/webhooks/${added.endpoint.endpointId}`;
    expect(await call(admin, "POST", `${path}/rotate`, { overlapHours: 0 })).toMatchObject(refused);
    expect(await call(admin, "PUT", path, { ...body, url: newUrl() })).toMatchObject(refused);
    expect((await call(admin, "GET", path)).body).toMatchObject({ endpoint: body });
    // Stopping needs no second factor.
    expect((await call(admin, "POST", `${path}/disable`)).status).toBe(200);
  });
});

describe("404", () => {
  it("somebody else's endpoint answers like a missing one", async () => {
    const { endpoint } = await add();
    const { body } = await call(admin, "POST", `/webhooks/${endpoint.endpointId}/test`);
    const { eventId } = body as { eventId: string };
    const missing = "/webhooks/whk_00000000000000000000";
    for (const [method, path, payload] of [
      ["GET", ""],
      ["PUT", "", { url: newUrl(), events: ["TRANSFER_CREATED"] }],
      ["POST", "/rotate", { overlapHours: 0 }],
      ["POST", "/disable"],
      ["POST", "/enable"],
      ["POST", "/test"],
      ["GET", "/deliveries"],
      ["GET", `/deliveries/${eventId}`],
      ["POST", `/deliveries/${eventId}/redeliver`],
      ["DELETE", ""],
    ] as const) {
      const theirs = await call(stranger, method, `/webhooks/${endpoint.endpointId}${path}`, payload);
      const none = await call(stranger, method, `${missing}${path}`, payload);
      expect(theirs.status, path).toBe(404);
      const plain = (text: string): string => text.replace(/"request_id":"[^"]*"/, "");
      expect(plain(theirs.text).replaceAll(endpoint.endpointId, "whk_00000000000000000000")).toBe(
        plain(none.text),
      );
    }
    expect((await call(stranger, "GET", `/applications/${sandbox}/webhooks`)).status).toBe(404);
    // An event cannot be read through an endpoint that it was not for, either.
    const other = await add();
    expect(
      (await call(admin, "GET", `/webhooks/${other.endpoint.endpointId}/deliveries/${eventId}`)).status,
    ).toBe(404);
  });
});

describe("while somebody deletes it", () => {
  it("every change of an endpoint happens before, or finds nothing", async () => {
    for (let round = 0; round < 5; round += 1) {
      const path = `/webhooks/${(await add()).endpoint.endpointId}`;
      const answers = await Promise.all([
        call(admin, "POST", `${path}/rotate`, { overlapHours: 0 }),
        call(admin, "POST", `${path}/disable`),
        call(admin, "PUT", path, { url: newUrl(), events: ["TRANSFER_CREATED"] }),
        call(admin, "DELETE", path),
        call(admin, "POST", `${path}/enable`),
        call(admin, "POST", `${path}/rotate`, { overlapHours: 24 }),
        call(admin, "POST", `${path}/test`),
      ]);
      for (const { status, text } of answers) expect([200, 201, 204, 404, 409], text).toContain(status);
      expect((await call(admin, "GET", path)).status).toBe(404);
    }
  });
});

describe("409", () => {
  it("the same address twice, also when both come at once, and more endpoints than allowed", async () => {
    const url = newUrl();
    const body = { url, events: ["TRANSFER_CREATED"] };
    const both = await Promise.all(
      [1, 2].map(() => call(admin, "POST", `/applications/${sandbox}/webhooks`, body)),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(both.find(({ status }) => status === 409)?.code).toBe("webhook_url_taken");
    await database.owner.query("DELETE FROM webhook_delivery");
    await database.owner.query("DELETE FROM webhook_endpoint");
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        call(admin, "POST", `/applications/${sandbox}/webhooks`, { ...body, url: newUrl() }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ code }) => code === "webhook_limit_reached")).toHaveLength(2);
  });
});
