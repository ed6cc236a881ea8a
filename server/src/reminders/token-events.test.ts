import { TokenExpiring } from "@fusion/contract/webhooks.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../platform/database/database.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { AddressRejected, type Message } from "../platform/messages/message.ts";
import { arrangeApplication } from "../testing/fixtures.ts";
import { arrangeReminders, type TestReminders } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeWebhooks } from "../testing/webhook-fixture.ts";
import { publishEvents } from "../webhooks/publish-events.ts";
import { acknowledgeReminders } from "./acknowledge.ts";
import { sweepReminders } from "./sweep.ts";
import { getTokenReminders } from "./token-reminders.ts";

let database: TestDatabase;
let owner: TestDatabase["owner"];
let refuse: (message: Message) => Error | undefined;
let given: TestReminders;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner;
});
afterAll(() => database.drop());
beforeEach(async () => {
  refuse = () => undefined;
  given = await arrangeReminders(database, (message) => refuse(message));
  await owner.query("TRUNCATE event_outbox, webhook_event, webhook_delivery");
});

describe("a notice that an endpoint of the token's application wants", () => {
  const outbox = async () =>
    (await owner.query("SELECT content, occurred_at FROM event_outbox ORDER BY outbox_id")).rows;
  /** Adds an endpoint, as if it had existed since before the fintech's first day. */
  async function listen(application: ApplicationId): Promise<string> {
    const url = `https://hooks.example.com/${application}`;
    const events = ["TOKEN_EXPIRING" as const];
    const { endpointId } = await arrangeWebhooks(database).add(given.admin, application, url, events);
    await owner.query("UPDATE webhook_endpoint SET created_at = '2027-01-01'");
    return endpointId;
  }
  const eventsOf = async (endpointId: string) =>
    (
      await owner.query<{ body: string }>(
        "SELECT body FROM webhook_event JOIN webhook_delivery USING (event_id) WHERE endpoint_id = $1 ORDER BY body::json #>> '{origin,occurredAt}'",
        [endpointId],
      )
    ).rows.map(({ body }) => JSON.parse(body));

  it("is told to it and to no other application's, once a day whatever the channels", async () => {
    const { application, admin, member, fintech, deps, token, subscribe, sweepDays } = given;
    const other = await arrangeApplication(owner, fintech, "live");
    const [mine, theirs] = [await listen(application), await listen(other)];
    const tokenId = await token();
    for (const person of [admin, member]) await subscribe(tokenId, person);
    await sweepDays("2027-11-20", 5);
    expect(await outbox()).toHaveLength(5);
    while (await publishEvents(deps));
    expect(await eventsOf(theirs)).toEqual([]);
    const events = await eventsOf(mine);
    expect(events.map(({ data, source }) => [data.localDay, data.daysLeft, source.state])).toEqual([
      ["2027-11-20", 3, "ACTIVE"],
      ["2027-11-21", 2, "ACTIVE"],
      ["2027-11-22", 1, "ACTIVE"],
      ["2027-11-23", 0, "ACTIVE"],
      ["2027-11-24", -1, "EXPIRED"],
    ]);
    expect(events[0]).toMatchObject({
      topic: "token",
      name: "TOKEN_EXPIRING",
      source: { uri: `/applications/${application}/tokens/${tokenId}`, tags: ["live"] },
      origin: { occurredAt: "2027-11-20T03:30:00.000Z" },
    });
    expect(TokenExpiring.strict().parse(events[0].data)).toEqual({
      tokenID: tokenId,
      name: "billing",
      applicationID: application,
      kind: "EXPIRY",
      localDay: "2027-11-20",
      daysLeft: 3,
      expiresAt: "2027-11-23T05:30:00.000Z",
      lastUsedAt: null,
      replacementID: null,
    });
  });

  it("is listed with the token's reminders, by what became of it, and with no other token's", async () => {
    const { application, deps, member, token, subscribe, sweepDays } = given;
    const endpointId = await listen(application);
    const [tokenId, other] = [await token(), await token({ name: "payouts" })];
    for (const id of [tokenId, other]) await subscribe(id, member);
    await sweepDays("2027-11-20", 2);
    while (await publishEvents(deps));
    await owner.query(
      `UPDATE webhook_delivery SET delivered_at = now(), next_at = NULL
       WHERE event_id = (SELECT event_id FROM webhook_event
                         WHERE body::jsonb @> jsonb_build_object('data', jsonb_build_object('tokenID', $1::text, 'localDay', '2027-11-20')))`,
      [tokenId],
    );
    expect((await getTokenReminders(deps, member, tokenId)).webhooks).toMatchObject([
      { localDay: "2027-11-21", kind: "expiry", endpointId, state: "waiting" },
      { localDay: "2027-11-20", kind: "expiry", endpointId, state: "delivered" },
    ]);
    expect((await getTokenReminders(deps, member, other)).webhooks).toMatchObject([
      { localDay: "2027-11-21", state: "waiting" },
      { localDay: "2027-11-20", state: "waiting" },
    ]);
    // Nothing more is sent to a removed endpoint, and its page does not exist either.
    await owner.query("UPDATE webhook_endpoint SET deleted_at = now() WHERE endpoint_id = $1", [endpointId]);
    expect((await getTokenReminders(deps, member, tokenId)).webhooks).toEqual([]);
  });

  it("is told also when everybody whom it reaches has acknowledged it before", async () => {
    const { application, clock, member, deps, token, subscribe, sweepDays } = given;
    await listen(application);
    const tokenId = await token();
    await subscribe(tokenId, member);
    clock.set("2027-11-20T01:00:00Z");
    expect(await acknowledgeReminders(deps, member, tokenId)).toEqual({ acknowledged: true });
    await sweepDays("2027-11-20", 1);
    expect(given.letters).toEqual([]);
    expect(await outbox()).toHaveLength(1);
  });

  it("is told also when no person can be reached, and of a renewed token as what its warning says", async () => {
    const { application, admin, token, subscribe, sweepDays } = given;
    await listen(application);
    const old = await token();
    await subscribe(old, admin);
    await owner.query("UPDATE identity SET bounced_at = now()");
    const replacement = await token({
      name: "next",
      replaces: old,
      createdAt: "2027-11-01T00:00:00Z",
      expiresAt: new Date("2028-10-01T00:00:00Z"),
    });
    await sweepDays("2027-11-19", 2);
    expect((await outbox()).map(({ content }) => content.data)).toMatchObject([
      { tokenID: old, kind: "CUT_OVER", daysLeft: 3, replacementID: replacement },
    ]);
  });

  it("is in the outbox once when sweeps run at once, when one dies in the planning, and when the day is planned again", async () => {
    const { application, member, deps, token, subscribe, sweepDays } = given;
    await listen(application);
    const tokenIds = [await token(), await token({ name: "payouts" })];
    for (const tokenId of tokenIds) await subscribe(tokenId, member);
    const dying: Database = {
      ...deps.db,
      transaction: (scope, work) =>
        deps.db.transaction(scope, async (tx) => {
          const done = await work(tx);
          const noted = await tx.query("SELECT FROM event_outbox");
          if (noted.length > 0) throw new Error("cut before the commit");
          return done;
        }),
    };
    await expect(sweepReminders({ ...deps, db: dying })).rejects.toThrow("cut before the commit");
    expect(await outbox()).toEqual([]);
    // The member is lost after the planning, so the day is planned again for the admins.
    refuse = (message) => (message.channel === "sms" ? undefined : new AddressRejected("no such address"));
    await Promise.all([sweepReminders(deps), sweepReminders(deps)]);
    await sweepReminders(deps);
    await sweepDays("2027-11-08", 1);
    expect((await outbox()).map(({ content }) => content.data.tokenID).sort()).toEqual(tokenIds.sort());
  });

  it("costs nothing where nobody wants it, and is not made up for when its day was missed", async () => {
    const { application, admin, token, subscribe, at } = given;
    await subscribe(await token(), admin);
    await at("2027-11-08T03:30:00Z");
    const endpointId = await listen(application);
    await at("2027-11-12T03:30:00Z");
    expect((await outbox()).map(({ content }) => content.data.localDay)).toEqual(["2027-11-12"]);
    await owner.query(
      "UPDATE webhook_endpoint SET disabled_at = now(), disabled_because = 'person' WHERE endpoint_id = $1",
      [endpointId],
    );
    await at("2027-11-13T03:30:00Z");
    expect(await outbox()).toHaveLength(1);
    expect((await owner.query("SELECT FROM reminder_event")).rowCount).toBe(1);
  });
});
