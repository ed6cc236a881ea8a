import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

let app: TestApp;
let client: TestClient;
let neighbour: TestClient;
beforeAll(async () => {
  app = await createTestApp({ now: "2026-11-24T05:30:00.000Z" });
  client = await arrangeClient(app);
  neighbour = await arrangeClient(app);
});
afterAll(() => app.close());

const path = "/applications/newIndividual";

describe("reading an account holder", () => {
  it("200: by id under both addresses, with numbers masked and the times of section 7", async () => {
    const identity = newIdentity();
    app.clock.set("2026-01-06T02:11:05.000Z");
    const created = await client.post(
      path,
      individualBody(identity, {
        formID: "form-read",
        pops: [{ label: "home", line1: "1 MG Road", postCode: "560001", isDefault: "true" }],
        tags: [
          { type: "vbo", value: "someone else" },
          { type: "tier", value: 3 },
        ],
        customFields: { entity_id: "e-2" },
      }),
    );
    const id = created.body.individualID;
    const { status, body } = await client.get(`/accountHolders/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      requestID: "form-read",
      ifiID: 140793,
      accountHolderProviderID: "140793",
      type: "REAL",
      status: "ENABLED",
      KYCStatus: {
        ifiID: 140793,
        accountHolderID: id,
        kycStatus: "MINIMAL",
        updateTime: "2026-01-06T07:41:05.000+05:30",
        expiryTime: "2125-01-06T07:41:05.000+05:30",
        kycStatusPostExpiry: "MINIMAL",
      },
      firstName: "Asha",
      lastName: "Rao",
      vectors: [
        {
          type: "p",
          value: identity.phone,
          accountHolderID: id,
          ifiID: 140793,
          status: "ENABLED",
          createdAt: "Jan 6, 2026 7:41:05 AM",
          attributes: {},
          headers: {},
        },
        { type: "pan", value: `XXXXXX${identity.pan.slice(-4)}` },
      ],
      pops: [
        {
          label: "home",
          address: {
            firstName: "",
            lastName: "",
            line1: "1 MG Road",
            line2: "",
            city: "",
            state: "",
            postCode: "560001",
            country: "",
            isDefault: true,
          },
          isDefault: true,
          status: "ENABLED",
        },
      ],
      tags: [
        { type: "vbo-id", value: client.fintech.fintechId },
        { type: "tier", value: "3" },
      ],
      attributes: { entity_id: "e-2" },
      createdAt: {
        date: { year: 2026, month: 1, day: 6 },
        time: { hour: 7, minute: 41, second: 5, nano: 0 },
      },
      headers: {},
    });
    for (const same of [
      `/individuals/${id}`,
      `/individuals/${id}/`,
      `/accountHolders/${id}/`,
      `/accountHolders/${id.toUpperCase()}`,
    ])
      expect((await client.get(same)).body).toEqual(body);
  });

  it("200: by phone with a bare plus, by email with a bare @", async () => {
    const { phone, pan } = newIdentity();
    const email = `Asha.${pan}@example.com`;
    const { body } = await client.post(
      path,
      individualBody(
        { phone, pan },
        {
          vectors: [
            { type: "p", value: phone },
            { type: "e", value: email },
          ],
        },
      ),
    );
    for (const vector of [
      `p/${phone}`,
      `p/${phone}/`,
      `p/${encodeURIComponent(phone)}`,
      `e/${email}`,
      `e/${email.toLowerCase()}`,
    ]) {
      const found = await client.get(`/individualByVector/${vector}`);
      expect([vector, found.status, found.body.id]).toEqual([vector, 200, body.individualID]);
    }
  });

  it("404: for what another fintech submitted, exactly as for what does not exist", async () => {
    const identity = newIdentity();
    const { body } = await client.post(path, individualBody(identity));
    const missing = await neighbour.get("/accountHolders/00000000-0000-4000-8000-000000000000");
    for (const url of [
      `/accountHolders/${body.individualID}`,
      `/individuals/${body.individualID}`,
      `/individualByVector/p/${identity.phone}`,
      `/individualByVector/pan/${identity.pan}`,
      "/individualByVector/p/+910",
      "/accountHolders/no-uuid",
    ]) {
      const { status, body: error } = await neighbour.get(url);
      expect([url, status]).toEqual([url, 404]);
      expect({ ...error, traceID: "" }).toEqual({ ...missing.body, traceID: "" });
    }
    expect(missing.body).toMatchObject({ code: "account_holder_not_found", errorCode: "FU4004" });
    const live = await arrangeClient(app, { fintech: client.fintech, environment: "live" });
    expect((await live.get(`/accountHolders/${body.individualID}`)).status).toBe(404);
  });

  it("400: for text that cannot be stored", async () => {
    expect((await client.get("/individualByVector/p/%00")).status).toBe(400);
  });
});
