import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { systemClock } from "../platform/clock.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeClient, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { createCallRecorder } from "./call-recorder.ts";
import { explainCall } from "./explain-call.ts";
import { createCallSearch, type LookForCall } from "./look-for-call.ts";

// A call that was answered a moment ago is asked for before it is written.

let app: TestApp;
/** Another process of the same program. */
let other: TestApp;
let client: TestClient;
let admin: UserPrincipal;
beforeAll(async () => {
  app = await createTestApp();
  other = await createTestApp({ database: app.database });
  client = await arrangeClient(app, { scopes: ["accounts:read"] });
  admin = await arrangeUser(app.database.owner, client.fintech, "fintech_admin");
});
afterAll(async () => {
  await other?.app.close();
  await app?.close();
});

const nobodys = "req_00000000000000000000";

describe("a call of this second", () => {
  it("that another process answered is explained at the first asking", async () => {
    const headers = { "x-zeta-authtoken": client.token.secret };
    // The other process knows the token, so that nothing but the call is new to it.
    expect((await other.http.inject({ url: "/gateway/check", headers })).statusCode).toBe(200);
    const refused = await client.post("/transfers", {});
    expect(refused.status).toBe(403);
    const requestId = refused.headers["x-request-id"];
    const answer = await other.http.inject({ url: `/refusals/${requestId}`, headers });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ requestId, code: "scope_insufficient" });
  });

  it("is written by the process that is asked in the console, and waited for where another has it", async () => {
    const { db } = app.database;
    const recorders = [0, 1].map(() =>
      createCallRecorder({
        db,
        clock: systemClock,
        lease: { databaseMs: Date.now },
        random: systemRandom,
        log: silentLog(),
        flushIntervalMs: 60_000,
      }),
    );
    const [own, others] = recorders as [(typeof recorders)[0], (typeof recorders)[0]];
    const search = createCallSearch({ writeCalls: () => own.flush() });
    for (const [at, recorder] of recorders.entries()) {
      const requestId = `req_0000000000000000000${at + 1}`;
      recorder.record(client.token.principal, 403, () => ({
        requestId,
        route: "POST /transfers",
        failure: undefined,
        durationMs: 1,
        ip: "192.0.2.1",
        userAgent: "curl/8",
      }));
      let looks = 0;
      const lookForCall: LookForCall = (id, look) =>
        search(id, async () => {
          looks += 1;
          // This is between the first two of the looks that it waits for.
          if (recorder === others && looks === 4) await others.flush();
          return look();
        });
      const explained = explainCall(
        { db, lookForCall, readErrorPage: async () => undefined },
        admin,
        requestId,
      );
      expect((await explained).call).toMatchObject({ requestId, route: "POST /transfers" });
      expect(looks).toBe(recorder === others ? 4 : 2);
    }
    await Promise.all(recorders.map((recorder) => recorder.close()));
  });
});

describe("a call that there is not", () => {
  it("is waited for two seconds, by a few at a time: all others learn at once that there is none", async () => {
    const search = createCallSearch({ writeCalls: async () => undefined, waitersMax: 2 });
    /** How many looks each answer took, in the order of the answers. */
    const answered: number[] = [];
    const ask = async (): Promise<void> => {
      let looks = 0;
      const found = await search(nobodys, async () => {
        looks += 1;
        return undefined;
      });
      expect(found).toBeUndefined();
      answered.push(looks);
    };
    const from = performance.now();
    const asking = Promise.all(Array.from({ length: 500 }, ask));
    // No timer has gone off yet.
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toEqual(Array.from({ length: 498 }, () => 2));
    await asking;
    expect(performance.now() - from).toBeGreaterThan(1_900);
    expect(answered.slice(498)).toEqual([7, 7]);
    // Those that waited leave room.
    await ask();
    expect(answered.at(-1)).toBe(7);
  });

  it("is not waited for when its id is none of ours", async () => {
    let looks = 0;
    const search = createCallSearch({ writeCalls: async () => undefined });
    for (const id of ["req_1", "'; DROP TABLE token", `${nobodys}0`])
      await search(id, async () => {
        looks += 1;
        return undefined;
      });
    expect(looks).toBe(3);
  });
});
