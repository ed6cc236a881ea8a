import { afterAll, beforeAll, expect, it } from "vitest";
import { systemScope } from "../../platform/database/database.ts";
import { createKeys } from "../../platform/keys.ts";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser } from "../../testing/fixtures.ts";
import { untilLockWaits } from "../../testing/lock-waits.ts";
import { createLoginApp, type LoginApp } from "../../testing/login-app.ts";
import { quickPasswords } from "../../testing/quick-passwords.ts";
import { LoginBusy } from "../errors.ts";
import type { Address } from "../identifier.ts";
import { standardLimits } from "../limits.ts";
import { type Counters, countersOf, countTry } from "../lockout/failures.ts";
import { approvePasswordReset } from "./approve-password-reset.ts";
import { comparePassword } from "./compare-password.ts";

let app: LoginApp;
beforeAll(async () => {
  app = await createLoginApp();
});
afterAll(() => app.close());

it("a try is taken back while an approval forgets all of them, and both get done", async () => {
  const { clock, database } = app;
  const { db, owner } = database;
  const { userId, email } = await arrangeUser(owner, await arrangeFintech(owner), "fintech_member");
  const keys = createKeys(Buffer.alloc(32, 7), systemRandom);
  const count = (counters: Counters) =>
    db.transaction(systemScope, (tx) => countTry(tx, counters, clock.now(), standardLimits));
  const at = (address: Address) => countersOf(keys, { subject: userId, deviceId: "", address });
  // The account's counter precedes that of the second address in the order in which they are forgotten.
  await count(at({ channel: "sms", address: "+919876500001" }));
  const counters = at({ channel: "email", address: email });
  const counted = await count(counters);
  if (!counted.counted) throw new Error("There was no room for a try.");
  await owner.query(
    "INSERT INTO password_reset (user_id, reason, requested_at) VALUES ($1, 'forgotten', now())",
    [userId],
  );

  const holder = await owner.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT FROM login_failure WHERE subject = $1 AND device_id = $2 FOR UPDATE", [
    userId,
    counters.address?.deviceId,
  ]);
  const busy = comparePassword(
    {
      db,
      clock,
      random: systemRandom,
      keys,
      limits: standardLimits,
      codes: { send: () => undefined, settled: async () => undefined },
      hasher: { ...quickPasswords(), verify: () => Promise.reject(new LoginBusy()) },
    },
    { ip: "192.0.2.1", userAgent: "", requestId: "req_1", deviceHash: undefined, sessionHash: undefined },
    { counters, counted, stored: null, password: "whatever it is", pointer: "/password" },
    async () => undefined,
  ).catch((error: unknown) => error);
  await untilLockWaits(owner, 1);
  const approving = approvePasswordReset(
    { db, clock, random: systemRandom },
    { kind: "cli", account: "root" },
    { userId },
  );
  approving.catch(() => undefined);
  await untilLockWaits(owner, 2);
  await holder.query("COMMIT");
  holder.release();
  expect(await busy).toBeInstanceOf(LoginBusy);
  await approving;
  const { rows } = await owner.query("SELECT FROM login_failure WHERE subject = $1", [userId]);
  expect(rows).toEqual([]);
});
