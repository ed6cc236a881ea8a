import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { decideOn, postToV2, withoutTrace } from "../testing/holder-application-fixture.ts";
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

describe("addresses and vectors of a holder", () => {
  const holderOf = async (who: TestClient): Promise<string> =>
    (await who.post("/applications/newIndividual", individualBody())).body.individualID;

  it("adds addresses, once for a requestID, and the latest default is the default", async () => {
    const holder = await holderOf(client);
    const pops = `/accountHolders/${holder}/pops`;
    const home = {
      requestID: 1,
      label: "home",
      address: { line1: "1 MG Road", postCode: "560001" },
      isDefault: true,
    };
    const first = await client.post(pops, home);
    expect([first.status, first.body]).toEqual([
      200,
      expect.objectContaining({
        label: "home",
        entityID: holder,
        isDefault: true,
        createdAt: "Nov 24, 2026 11:00:00 AM",
      }),
    ]);
    expect((await client.post(pops, home)).body).toEqual(first.body);
    expect((await client.post(pops, { ...home, label: "work" })).body.code).toBe("REQUEST_MISMATCH");
    await client.post(`${pops}/`, { line1: "2 Brigade Road", label: "work", isDefault: "true" });
    const { body } = await client.get(pops);
    expect(body.pops.map((pop: { label: string; isDefault: boolean }) => [pop.label, pop.isDefault])).toEqual(
      [
        ["home", false],
        ["work", true],
      ],
    );
    expect((await client.get(`/accountHolders/${holder}`)).body.pops).toEqual(body.pops);
    expect((await client.post(pops, { postCode: "!" })).body.errorCode).toBe("AR400005");
    expect((await client.post(pops, { address: { country: "1" } })).body.errorCode).toBe("AR400006");
  });

  it("keeps what stands beside an address and in it apart, and what either of them lacks from the other", async () => {
    const pops = `/accountHolders/${await holderOf(client)}/pops`;
    const { body } = await client.post(pops, {
      line1: "1 MG Road",
      city: "Mysuru",
      isDefault: false,
      address: { line1: "", line2: "2nd floor", city: "Bengaluru", state: null, isDefault: true },
    });
    expect(body).toMatchObject({
      isDefault: false,
      address: { line1: "1 MG Road", line2: "2nd floor", city: "Bengaluru", state: "", isDefault: true },
    });
    expect((await client.get(pops)).body.pops).toEqual([body]);
    const other = await client.post(pops, { address: { line1: "2 MG Road", isDefault: true } });
    expect(other.body).toMatchObject({ isDefault: true, address: { isDefault: true } });
    expect((await client.get(pops)).body.pops[0]).toMatchObject({
      isDefault: false,
      address: { isDefault: false },
    });
  });

  it("keeps every one of 20 addresses added at once", async () => {
    const holder = await holderOf(client);
    const pops = `/accountHolders/${holder}/pops`;
    await Promise.all(Array.from({ length: 20 }, (_, turn) => client.post(pops, { label: `pop ${turn}` })));
    expect((await client.get(pops)).body.pops).toHaveLength(20);
  });

  it("adds vectors, by which the holder is then found", async () => {
    const holder = await holderOf(client);
    const vectors = `/accountHolders/${holder}/vectors`;
    const { phone } = newIdentity();
    const body = { requestID: "vec", type: "p", value: phone };
    const first = await client.post(vectors, body);
    expect([first.status, first.body.value]).toEqual([200, phone]);
    expect((await client.post(vectors, body)).body).toEqual(first.body);
    expect((await client.get(`/individualByVector/p/${phone}`)).body.id).toBe(holder);
    const number = await client.post(vectors, { type: "aadhaar", value: String(Math.random()).slice(2, 14) });
    expect(number.body.value).toMatch(/^X+\d{4}$/);
    expect((await client.get(vectors)).body.vectors.map(({ type }: { type: string }) => type)).toEqual([
      "p",
      "pan",
      "p",
      "aadhaar",
    ]);
  });

  it("AR400003: a vector that the holder has already is refused in words that fit it, an email's too", async () => {
    const holder = await holderOf(client);
    const email = { type: "e", value: `e${newIdentity().phone.slice(1)}@example.com` };
    expect((await client.post(`/accountHolders/${holder}/vectors`, email)).status).toBe(200);
    const { status, body } = await client.post(`/accountHolders/${holder}/vectors`, email);
    expect([status, body.code, body.errorCode]).toEqual([400, "account_holder_exists", "AR400003"]);
    expect(body.message).toBe(
      "This account holder has this phone number, email address or identity number already.",
    );
  });

  it("AR400003: a vector is one holder's, also when 10 want it at once; AR400009, AR4000010 for none, where the body says it", async () => {
    const { phone } = newIdentity();
    const holders = await Promise.all(Array.from({ length: 10 }, () => holderOf(client)));
    const answers = await Promise.all(
      holders.map((holder) => client.post(`/accountHolders/${holder}/vectors`, { type: "p", value: phone })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body.errorCode ?? "made"))).toEqual(
      new Set(["made", "AR400003"]),
    );
    const refusals = [];
    for (const vector of [
      { type: "p", value: "12" },
      { type: "e", value: "nobody" },
      { type: "pan", value: newIdentity().pan },
      { type: "p" },
      { type: "P", value: phone },
      { value: phone },
    ]) {
      const { body } = await client.post(`/accountHolders/${holders[0]}/vectors`, vector);
      refusals.push([
        body.errorCode,
        ...Object.keys(body.additionalInfo),
        body.message.includes("is missing"),
      ]);
    }
    expect(refusals).toEqual([
      ["AR400009", "value", false],
      ["AR4000010", "value", false],
      ["AR4000011", "value", false],
      ["AR400009", "value", true],
      ["FU4000", "type", false],
      ["FU4000", "type", true],
    ]);
  });

  describe("a holder has one number of a kind", () => {
    const numbers = (): { aadhaar: string; pans: string[] } => ({
      aadhaar: String(Math.random()).slice(2, 14),
      pans: Array.from({ length: 10 }, () => newIdentity().pan),
    });
    const bodyOf = (phone: string, authData: object): Record<string, unknown> =>
      individualBody({ phone, pan: "" }, { kycDetails: { kycStatus: "MINIMAL", authData } });
    const pansOf = async (holder: string): Promise<number> =>
      (
        await app.database.owner.query(
          "SELECT FROM account_holder_identity WHERE account_holder_id = $1 AND kind = 'pan'",
          [holder],
        )
      ).rows.length;

    it("when 10 add one at once", async () => {
      const { aadhaar, pans } = numbers();
      const made = await client.post(
        "/applications/newIndividual",
        bodyOf(newIdentity().phone, { AADHAAR: aadhaar }),
      );
      const holder = made.body.individualID;
      const answers = await Promise.all(
        pans.map((value) => client.post(`/accountHolders/${holder}/vectors`, { type: "pan", value })),
      );
      expect(answers.map(({ body }) => body.errorCode ?? "made").sort()).toEqual([
        ...Array.from({ length: 9 }, () => "AR4000011"),
        "made",
      ]);
      expect(await pansOf(holder)).toBe(1);
    });

    it.each(Array.from({ length: 5 }, (_, at) => at))(
      "when one fintech adds one while another brings the person with another one (%i)",
      async () => {
        const { aadhaar, pans } = numbers();
        const { phone } = newIdentity();
        const made = await client.post("/applications/newIndividual", bodyOf(phone, { AADHAAR: aadhaar }));
        const holder = made.body.individualID;
        const [added, brought] = await Promise.all([
          client.post(`/accountHolders/${holder}/vectors`, { type: "pan", value: pans[0] }),
          neighbour.post("/applications/newIndividual", bodyOf(phone, { AADHAAR: aadhaar, PAN: pans[1] })),
        ]);
        expect([added.status === 200, brought.body.status === "APPROVED"].filter(Boolean)).toHaveLength(1);
        expect(await pansOf(holder)).toBe(1);
      },
    );

    it("when the bank approves another one at that moment", async () => {
      const { aadhaar, pans } = numbers();
      const made = await client.post(
        "/applications/newIndividual",
        bodyOf(newIdentity().phone, { AADHAAR: aadhaar }),
      );
      const holder = made.body.individualID;
      const upgrades = await Promise.all(
        pans.slice(0, 3).map((PAN) =>
          postToV2(app, client, `/accountHolders/${holder}/createApplication`, {
            kycDetails: { kycStatus: "MINIMAL", authData: { PAN } },
          }),
        ),
      );
      const outcomes = await Promise.allSettled([
        ...upgrades.map(({ body }) => decideOn(app, body.applicationID)),
        client.post(`/accountHolders/${holder}/vectors`, { type: "pan", value: pans[3] }),
      ]);
      expect(outcomes).toHaveLength(4);
      expect(await pansOf(holder)).toBe(1);
    });
  });

  it("404: another fintech's holder is like a missing one, to read and to add to", async () => {
    const theirs = await holderOf(neighbour);
    for (const path of ["pops", "vectors"]) {
      const missing = await client.get(`/accountHolders/3f0e5f1c-3c1f-4a52-9f2e-6f4c1a9b7d10/${path}`);
      expect(missing.status).toBe(404);
      for (const answer of [
        await client.get(`/accountHolders/${theirs}/${path}`),
        await client.post(`/accountHolders/${theirs}/${path}`, { type: "e", value: "a@b.example" }),
      ])
        expect(withoutTrace(answer.body)).toEqual(withoutTrace(missing.body));
    }
  });
});
