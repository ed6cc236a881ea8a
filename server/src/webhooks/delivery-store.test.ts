import { afterAll, beforeAll, expect, it } from "vitest";
import { systemScope } from "../platform/database/database.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeBook } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeWebhooks } from "../testing/webhook-fixture.ts";
import { claimDeliveries } from "./delivery-store.ts";
import { insertEventFor } from "./event-store.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it("a claim takes as many deliveries as it says, however few the database believes that there are", async () => {
  const { owner, db } = database;
  const book = await arrangeBook(database);
  const admin = await arrangeUser(owner, book.fintech, "fintech_admin");
  const { applicationId } = book.token.principal;
  const { endpointId } = await arrangeWebhooks(database).add(
    admin,
    applicationId,
    "https://hooks.example.com/",
  );
  const now = new Date();
  const leaseUntil = new Date(now.getTime() + 60_000);
  const add = (eventId: string): Promise<void> =>
    db.transaction(systemScope, (tx) =>
      insertEventFor(
        tx,
        endpointId,
        { tenant: book.tenant, eventId, name: "RESOURCE_CREATED", body: "{}" },
        now,
      ),
    );
  await add("evt_0");
  await owner.query("ANALYZE webhook_delivery, webhook_event");
  for (let count = 1; count < 20; count += 1) await add(`evt_${count}`);
  const claimed = await db.transaction(systemScope, (tx) =>
    claimDeliveries(tx, endpointId, { now, leaseUntil, limit: 4 }),
  );
  expect(claimed).toHaveLength(4);
  const { rows } = await owner.query("SELECT FROM webhook_delivery WHERE next_at = $1", [leaseUntil]);
  expect(rows).toHaveLength(4);
});
