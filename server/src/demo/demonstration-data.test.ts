import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createIfi } from "../fintechs/create-ifi.ts";
import { createUser } from "../login/people/create-user.ts";
import { systemClock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { systemRandom } from "../platform/random.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { arrangeDemonstration, demonstrationPeople } from "./demonstration-data.ts";

const actor = { kind: "cli", account: "root" } as const;

const contents = `SELECT
  (SELECT count(*)::int FROM ifi) AS ifis,
  (SELECT count(*)::int FROM fintech) AS fintechs,
  (SELECT count(*)::int FROM application WHERE environment = 'sandbox') AS sandboxes,
  (SELECT count(*)::int FROM application WHERE environment = 'live') AS lives,
  (SELECT count(*)::int FROM console_user WHERE password_hash IS NULL) AS people,
  (SELECT count(*)::int FROM application_access) AS accesses,
  (SELECT count(*)::int FROM account_product) AS account_products,
  (SELECT count(*)::int FROM payment_product) AS payment_products,
  (SELECT count(*)::int FROM account WHERE kind = 'funding' AND balance > 0) AS funding,
  (SELECT sum(balance)::text FROM account) AS books`;
const whole = {
  ifis: 1,
  fintechs: 2,
  sandboxes: 2,
  lives: 2,
  people: 5,
  accesses: 4,
  account_products: 4,
  payment_products: 4,
  funding: 4,
  books: "0",
};

describe("the demonstration data", () => {
  let database: TestDatabase;
  const deps = () => ({
    db: database.db,
    clock: systemClock,
    random: systemRandom,
    keys: testKeys,
    publicUrl: "http://127.0.0.1:8080",
  });
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it("is completed by the next start, wherever the first was cut off, and made once", async () => {
    // Each run gets one transaction further than the last before its connection is cut.
    for (let allowed = 1; ; allowed += 1) {
      let begun = 0;
      const cut: Database = {
        ...database.db,
        transaction(scope, work) {
          begun += 1;
          if (begun > allowed) throw new Error("cut off");
          return database.db.transaction(scope, work);
        },
        reader: (scope) => ({
          query: (text, values) => cut.transaction(scope, (tx) => tx.query(text, values)),
        }),
      };
      const people = await arrangeDemonstration({ ...deps(), db: cut }).catch(() => undefined);
      // Work that ran side by side must have ended before the next run looks.
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (people) break;
      expect(allowed).toBeLessThan(100);
    }
    expect((await database.owner.query(contents)).rows[0]).toEqual(whole);
    expect(await arrangeDemonstration(deps())).toEqual(demonstrationPeople);
    expect((await database.owner.query(contents)).rows[0]).toEqual(whole);
  });
});

describe("a database of another origin is left alone", () => {
  const fusionTeam = { name: "Somebody", role: "operator_admin", fintech: null } as const;
  type Deps = Parameters<typeof arrangeDemonstration>[0];
  it.each<[string, number, (deps: Deps) => Promise<unknown>]>([
    ["with a bank", 0, (deps) => createIfi(deps, actor, { ifiId: "7", name: "Other Bank" })],
    // Created on the server before its first start, with an address of a demonstration person.
    ["with a person", 1, (deps) => createUser(deps, actor, { ...fusionTeam, phone: "9000000009" })],
  ])("%s", async (_of, people, arrange) => {
    const database = await createTestDatabase();
    const deps = {
      db: database.db,
      clock: systemClock,
      random: systemRandom,
      keys: testKeys,
      publicUrl: "http://127.0.0.1:8080",
    };
    try {
      await arrange(deps);
      expect(await arrangeDemonstration(deps)).toEqual([]);
      expect((await database.owner.query("SELECT FROM console_user")).rowCount).toBe(people);
      expect((await database.owner.query("SELECT FROM fintech")).rowCount).toBe(0);
    } finally {
      await database.drop();
    }
  });
});
