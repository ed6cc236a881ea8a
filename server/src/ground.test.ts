import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { readConfig } from "./config.ts";
import { takeGround } from "./ground.ts";
import { silentLog } from "./platform/log.ts";
import { runProgram } from "./run-program.ts";
import { createTestDatabase } from "./testing/test-database.ts";

it("a start that waits for another process's migration ends as soon as it is told to", async () => {
  const { owner, ownerUrl, drop } = await createTestDatabase();
  const { config } = readConfig({
    DATABASE_URL: ownerUrl,
    FUSION_ROOT_KEY: Buffer.alloc(32, 1).toString("base64"),
  });
  if (!config) throw new Error("A setting is wrong.");
  const migrating = await owner.connect();
  await migrating.query("SELECT pg_advisory_lock(7018140793)");
  await migrating.query(
    "DELETE FROM public.migration WHERE number = (SELECT max(number) FROM public.migration)",
  );
  const log = silentLog();
  const stop = new AbortController();
  let isUp = false;
  const program = runProgram({ log, stop: stop.signal }, async (starting) => {
    const { database } = await takeGround(config, { log, say: () => undefined }, starting);
    await database;
    isUp = true;
  });
  await sleep(200);
  stop.abort();
  await program.ended;
  expect(isUp).toBe(false);
  migrating.release();
  await drop();
});
