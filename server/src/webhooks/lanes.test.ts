import { beforeEach, describe, expect, it } from "vitest";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import type { DueEndpoint } from "./delivery-store.ts";
import { createLanes, type Lanes } from "./lanes.ts";

interface Delivery {
  readonly makesRoom: () => boolean;
  /** Ends the delivery: nothing more is due, or room was made. */
  readonly end: () => Promise<void>;
}

let clock: ManualClock;
/** What is being delivered, by endpoint. */
let open: Map<string, Delivery>;
let lanes: Lanes;

beforeEach(() => {
  clock = manualClock(new Date());
  open = new Map();
  lanes = createLanes({
    clock,
    deliver: (endpointId, makesRoom) =>
      new Promise((resolve) => {
        const end = async (): Promise<void> => {
          open.delete(endpointId);
          resolve();
          await new Promise(setImmediate);
        };
        open.set(endpointId, { makesRoom, end });
      }),
  });
});

const endpointsOf = (tenant: string, count: number): DueEndpoint[] =>
  Array.from({ length: count }, (_, at) => ({ endpointId: `${tenant}${at}`, tenant }));

const openOf = (tenant: string): string[] => [...open.keys()].filter((each) => each.startsWith(tenant));

/** Does what each delivery does between two attempts: ends where it is to make room. */
async function endThoseThatMakeRoom(): Promise<string[]> {
  const ending = [...open].filter(([, { makesRoom }]) => makesRoom());
  for (const [, { end }] of ending) await end();
  return ending.map(([endpointId]) => endpointId);
}

describe("lanes", () => {
  it("are an eighth of all for one tenant, however many of its endpoints are due", () => {
    lanes.openFor([...endpointsOf("a", 300), ...endpointsOf("b", 1)]);
    lanes.openFor([...endpointsOf("a", 300), ...endpointsOf("b", 1)]);
    expect([openOf("a").length, openOf("b").length]).toEqual([16, 1]);
  });

  it("are bounded over all tenants, and one that ends is the next one's", async () => {
    const due = Array.from({ length: 130 }, (_, at) => endpointsOf(`tenant ${at} `, 1)).flat();
    lanes.openFor(due);
    expect(open.size).toBe(128);
    await open.get("tenant 5 0")?.end();
    lanes.openFor(due.filter(({ endpointId }) => endpointId !== "tenant 5 0"));
    expect([open.size, open.has("tenant 128 0"), open.has("tenant 129 0")]).toEqual([128, true, false]);
  });

  it("are kept while nobody waits for them, however long", async () => {
    lanes.openFor(endpointsOf("a", 16));
    clock.advanceMs(3_600_000);
    expect(await endThoseThatMakeRoom()).toEqual([]);
  });

  it("are left after ten seconds to those of the same tenant that wait, each in its turn", async () => {
    const due = endpointsOf("a", 40);
    lanes.openFor([...due, ...endpointsOf("b", 1)]);
    clock.advanceMs(9_999);
    expect(await endThoseThatMakeRoom()).toEqual([]);
    clock.advanceMs(1);
    const first = await endThoseThatMakeRoom();
    expect(first).toEqual(due.slice(0, 16).map(({ endpointId }) => endpointId));
    const turns: string[][] = [first];
    for (let turn = 0; turn < 4; turn += 1) {
      lanes.openFor([...due, ...endpointsOf("b", 1)]);
      clock.advanceMs(10_000);
      turns.push(await endThoseThatMakeRoom());
    }
    // Two and a half turns for all, then again from the first.
    const inTurn = [...due, ...due].slice(0, 80).map(({ endpointId }) => endpointId);
    expect(turns.flat()).toEqual(inTurn);
    expect(openOf("b")).toEqual(["b0"]);
  });

  it("are left by any tenant's where all are taken", async () => {
    const others = Array.from({ length: 128 }, (_, at) => endpointsOf(`tenant ${at} `, 1)).flat();
    lanes.openFor(others);
    clock.advanceMs(10_000);
    expect(await endThoseThatMakeRoom()).toEqual([]);
    lanes.openFor([...others, ...endpointsOf("new", 1)]);
    expect(open.has("new0")).toBe(false);
    await endThoseThatMakeRoom();
    lanes.openFor([...others, ...endpointsOf("new", 1)]);
    expect([open.size, open.has("new0")]).toEqual([128, true]);
  });

  it("have ended when the last of those that are open has", async () => {
    lanes.openFor(endpointsOf("a", 2));
    let ended = false;
    const waited = lanes.ended().then(() => {
      ended = true;
    });
    await open.get("a0")?.end();
    expect(ended).toBe(false);
    await open.get("a1")?.end();
    await waited;
    expect(ended).toBe(true);
  });
});
