import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runningServerUrl } from "../../platform/database/embedded-postgres.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../../testing/fixtures.ts";
import { arrangeRestartableProgram, type RestartableProgram } from "../../testing/running-program.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";

// The real program, killed with -9 while it is called.

let program: RestartableProgram;
let token: TestToken;
beforeAll(async () => {
  program = await arrangeRestartableProgram({ API_REQUESTS_PER_SECOND: "100000", LOG_LEVEL: "error" });
  await program.start();
  await withOwner(async (owner) => {
    const fintech = await arrangeFintech(owner);
    const admin = await arrangeUser(owner, fintech, "fintech_admin");
    token = await arrangeToken(owner, await arrangeApplication(owner, fintech), admin);
  });
}, 180_000);
afterAll(() => program.remove());

async function withOwner<Result>(work: (owner: pg.Pool) => Promise<Result>): Promise<Result> {
  const owner = new pg.Pool({ connectionString: runningServerUrl(program.dataFolder)("fusion"), max: 2 });
  owner.on("error", () => undefined);
  try {
    return await work(owner);
  } finally {
    await owner.end();
  }
}

/** How many calls are written: the sum in the table of hours. */
const writtenIn = async (owner: pg.Pool): Promise<number> =>
  Number((await owner.query("SELECT coalesce(sum(calls), 0) AS calls FROM token_call_hour")).rows[0].calls);

/** True when it was answered. */
async function call(): Promise<boolean> {
  try {
    const { status } = await fetch(`${program.url}/gateway/check`, {
      headers: { "x-zeta-authtoken": token.secret },
      signal: AbortSignal.timeout(15_000),
    });
    expect(status).toBe(200);
    return true;
  } catch {
    return false;
  }
}

it("a process that is killed takes with it the calls of its last moments at most, and counts none twice", async () => {
  let answered = 0;
  for (let turn = 0; turn < 100; turn += 1) if (await call()) answered += 1;
  expect(answered).toBe(100);
  const before = await withOwner(async (owner) => {
    await expect.poll(() => writtenIn(owner), { timeout: 60_000, interval: 50 }).toBe(100);
    // Killed between two writes, or in the middle of one.
    let alive = true;
    const calling = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (alive) if (await call()) answered += 1;
      }),
    );
    await sleep(1_500);
    await program.killProgram();
    alive = false;
    await calling;
    // What it had sent may still be committed after its death, until its sessions have ended.
    const sessions = async () =>
      (
        await owner.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
      ).rows.length;
    await expect.poll(sessions, { timeout: 30_000 }).toBe(0);
    return writtenIn(owner);
  });
  expect(before).toBeGreaterThanOrEqual(100);
  // Each of the four clients may have had one more call under way.
  expect(before).toBeLessThanOrEqual(answered + 4);

  await program.start();
  expect(await call()).toBe(true);
  await withOwner(async (owner) => {
    await expect.poll(() => writtenIn(owner), { timeout: 60_000, interval: 50 }).toBe(before + 1);
    const { rows } = await owner.query(
      "SELECT last_used_at > now() - interval '2 minutes' AND last_used_at <= now() AS fits FROM token_last_use",
    );
    expect(rows).toEqual([{ fits: true }]);
  });
}, 180_000);
