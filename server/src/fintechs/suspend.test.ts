import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ChangeUnconfirmed } from "../leases/errors.ts";
import type { Nodes } from "../leases/nodes.ts";
import { systemClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  latestEpoch,
  type TestFintech,
} from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { suspendApplication, suspendFintech } from "./suspend.ts";

let database: TestDatabase;
let fintech: TestFintech;
let applicationId: ApplicationId;
let operator: Awaited<ReturnType<typeof arrangeUser>>;

beforeAll(async () => {
  database = await createTestDatabase();
  operator = await arrangeUser(database.owner, null, "operator_admin");
});
afterAll(() => database.drop());
beforeEach(async () => {
  fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech);
});

describe.each(["application", "fintech"] as const)("suspending an %s", (kind) => {
  const idOf = () => (kind === "application" ? applicationId : fintech.fintechId);
  const suspend = (suspended: boolean, untilAllKnow: Nodes["untilAllKnow"]) => {
    const deps = { db: database.db, clock: systemClock, random: systemRandom, nodes: { untilAllKnow } };
    return kind === "application"
      ? suspendApplication(deps, operator, { applicationId, suspended })
      : suspendFintech(deps, operator, { fintechId: fintech.fintechId, suspended });
  };
  const isSuspended = async (): Promise<boolean> => {
    const { rows } = await database.owner.query(
      `SELECT suspended_at IS NOT NULL AS suspended FROM ${kind} WHERE ${kind}_id::text = $1`,
      [idOf()],
    );
    return rows[0].suspended;
  };
  const audited = async (): Promise<string[]> => {
    const { rows } = await database.owner.query(
      "SELECT action FROM audit_entry WHERE object_id = $1 ORDER BY xmin::text::bigint",
      [idOf()],
    );
    return rows.map(({ action }) => action);
  };

  it("waits, once it has committed, until every node knows of it; to let it go on waits for nobody", async () => {
    const before = await latestEpoch(database.owner);
    const seenByTheWait: [boolean, number | undefined][] = [];
    const counting: Nodes["untilAllKnow"] = async (epoch) => {
      seenByTheWait.push([await isSuspended(), epoch]);
      return { confirmed: 3, total: 3 };
    };
    await suspend(true, counting);
    expect(seenByTheWait).toEqual([[true, before + 1]]);
    await suspend(false, counting);
    expect(await isSuspended()).toBe(false);
    expect(seenByTheWait).toEqual([[true, before + 1]]);
  });

  it("that is not confirmed says so, and is completed by the same call, which changes nothing more", async () => {
    await expect(suspend(true, () => Promise.reject(new ChangeUnconfirmed()))).rejects.toMatchObject({
      code: "change_unconfirmed",
    });
    expect(await isSuspended()).toBe(true);
    let waits = 0;
    await suspend(true, async () => {
      waits += 1;
      return { confirmed: 3, total: 3 };
    });
    expect(waits).toBe(1);
    expect(await audited()).toEqual([`${kind}.suspended`]);
  });
});
