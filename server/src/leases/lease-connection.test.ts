import { afterAll, beforeAll, expect, it } from "vitest";
import { manualClock } from "../platform/clock.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { type PrimaryAlone, startPrimaryAlone } from "../testing/primary-alone.ts";
import { joinNodes } from "./join-nodes.ts";
import { createMemory } from "./memory.ts";

let primary: PrimaryAlone;
beforeAll(async () => {
  primary = await startPrimaryAlone();
});
afterAll(() => primary.drop());

it("while no standby confirms, a node that tries again and again keeps one session waiting, not one more each time", async () => {
  const { node } = joinNodes({
    db: primary.db,
    clock: manualClock("2026-11-27T00:00:00Z"),
    random: systemRandom,
    log: silentLog(),
    memory: createMemory<string>({ bytesMax: 1_000 }),
    name: "test",
  });
  await node.renew();
  await primary.awaitStandby();
  for (let tries = 0; tries < 3; tries += 1) await expect(node.renew()).rejects.toThrow();
  const sessions = async () => {
    const { rows } = await primary.owner.query(
      "SELECT wait_event FROM pg_stat_activity WHERE query LIKE '%UPDATE node%' AND pid <> pg_backend_pid()",
    );
    return rows;
  };
  await expect.poll(sessions).toEqual([{ wait_event: "SyncRep" }]);
  await primary.standbyConfirms();
  await expect.poll(() => node.renew().then(() => node.lease.holds())).toBe(true);
  await node.close();
});
