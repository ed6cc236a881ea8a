import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeClient, type TestClient } from "../testing/fusion-fixture.ts";
import { arrangeBook } from "../testing/ledger-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { arrangeWebhooks } from "../testing/webhook-fixture.ts";
import { startWebhookReceiver } from "../testing/webhook-receiver.ts";

let app: TestApp;
let client: TestClient;
beforeAll(async () => {
  app = await createTestApp({ now: new Date().toISOString() });
  client = await arrangeClient(app);
});
afterAll(() => app.close());

it("an event's source.uri answers with the transfer it is about, the bank's funding too", async () => {
  const receiver = await startWebhookReceiver();
  const webhooks = arrangeWebhooks(app.database);
  const admin = await arrangeUser(app.database.owner, client.fintech, "fintech_admin");
  await webhooks.add(admin, client.token.principal.applicationId, receiver.url);
  try {
    const book = await arrangeBook(app.database, { fintech: client.fintech });
    const funding = await book.fund(5_000n);
    const { accountId } = await book.open();
    await client.post("/transfers", {
      requestID: "order 7/a",
      amount: { currency: "INR", amount: 101 },
      transferCode: "ATLAS_P2M_AUTH",
      debitAccountID: funding,
      creditAccountID: accountId,
    });
    await webhooks.publisher.runOnce();
    const events = receiver.received.map(({ body }) => JSON.parse(body));
    expect(events.map(({ data }) => data.transferCode).sort()).toEqual([
      "ATLAS_P2M_AUTH",
      "BANK_FUNDING_AUTH",
    ]);
    for (const { source, data } of events) {
      const answer = await app.http.inject({
        url: source.uri,
        headers: { "x-zeta-authtoken": client.token.secret },
      });
      expect([answer.statusCode, answer.json()]).toEqual([200, data]);
    }
  } finally {
    await webhooks.publisher.stop();
    await receiver.close();
  }
});
