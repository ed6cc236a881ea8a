import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { manualClock } from "./clock.ts";
import { writeBehind } from "./write-behind.ts";

const clock = manualClock("2026-11-24T05:30:00.000Z");
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Advances to the timer's next turn, this many milliseconds after the one before. */
async function pass(ms: number): Promise<void> {
  clock.advanceMs(ms);
  await vi.advanceTimersByTimeAsync(1_000);
}

describe("writing behind", () => {
  it("happens at every turn while it is quick, and rests ten times as long as it took, but for 20 s at most", async () => {
    let takesMs = 50;
    let writes = 0;
    const { close } = writeBehind(
      async () => {
        writes += 1;
        clock.advanceMs(takesMs);
      },
      { clock, intervalMs: 1_000 },
    );
    await pass(1_000);
    takesMs = 300;
    await pass(1_000);
    expect(writes).toBe(2);
    await pass(2_999);
    expect(writes).toBe(2);
    takesMs = 10_000;
    await pass(1);
    expect(writes).toBe(3);
    await pass(19_999);
    expect(writes).toBe(3);
    await pass(1);
    expect(writes).toBe(4);
    takesMs = 0;
    // Closing writes what waits, without finishing the rest.
    await close();
    expect(writes).toBe(5);
  });

  it("pauses between the pieces of a long write, unless somebody waits for it", async () => {
    const pieces: number[] = [];
    const { flush, close } = writeBehind(
      async (pause) => {
        for (const tookMs of [2, 50, 0]) {
          if (tookMs !== 2) await pause(3);
          pieces.push(tookMs);
          clock.advanceMs(tookMs);
        }
      },
      { clock, intervalMs: 1_000 },
    );
    await pass(1_000);
    expect(pieces).toEqual([2]);
    // Ten times as long as the piece took.
    await vi.advanceTimersByTimeAsync(20);
    expect(pieces).toEqual([2, 50]);
    await vi.advanceTimersByTimeAsync(499);
    expect(pieces).toEqual([2, 50]);
    await vi.advanceTimersByTimeAsync(1);
    expect(pieces).toEqual([2, 50, 0]);
    // Within the first pause of the next write.
    clock.advanceMs(1_000);
    while (pieces.length < 4) await vi.advanceTimersByTimeAsync(1);
    await flush();
    expect(pieces).toHaveLength(9);
    await close();
  });

  it("spreads many pieces over its rest, so that no second bears them all", async () => {
    const begun: number[] = [];
    const { close } = writeBehind(
      async (pause) => {
        for (let piece = 0; piece < 20; piece += 1) {
          if (piece > 0) await pause(20);
          begun.push(Date.now());
          await new Promise((resolve) => setTimeout(resolve, 80));
        }
      },
      { clock: { monotonicMs: () => Date.now() }, intervalMs: 1_000 },
    );
    await vi.advanceTimersByTimeAsync(120_000);
    const most = Math.max(
      ...begun.map((at) => begun.filter((other) => other >= at && other < at + 1_000).length),
    );
    expect(most).toBe(2);
    expect(begun.length).toBeGreaterThan(100);
    const closing = close();
    await vi.advanceTimersByTimeAsync(30_000);
    await closing;
  });

  it.each([
    ["a million counters", 1_000, 15],
    ["ten thousand", 10, 15],
    ["as many as can be written in time", 1_000, 20],
    ["large pieces", 40, 400],
  ])("of %s leaves nothing waiting for more than a minute", async (_what, pieces, pieceMs) => {
    const fakeClock = { monotonicMs: () => Date.now() };
    let longestMs = 0;
    let oldestAt = Date.now();
    let writes = 0;
    const { close } = writeBehind(
      async (pause) => {
        // An entry that comes from now on waits for the next write, until its very end.
        const from = Date.now();
        for (let piece = 0; piece < pieces; piece += 1) {
          if (piece > 0) await pause(pieces);
          await new Promise((resolve) => setTimeout(resolve, pieceMs));
        }
        longestMs = Math.max(longestMs, Date.now() - oldestAt);
        oldestAt = from;
        writes += 1;
      },
      { clock: fakeClock, intervalMs: 1_000 },
    );
    await vi.advanceTimersByTimeAsync(300_000);
    expect(longestMs).toBeLessThanOrEqual(60_000);
    expect(writes).toBeGreaterThan(4);
    const closing = close();
    await vi.advanceTimersByTimeAsync(120_000);
    await closing;
  });

  it("never happens twice at once", async () => {
    let open: () => void = () => undefined;
    let under = 0;
    let most = 0;
    const { flush, close } = writeBehind(
      async () => {
        under += 1;
        most = Math.max(most, under);
        await new Promise<void>((resolve) => {
          open = resolve;
        });
        under -= 1;
      },
      { clock, intervalMs: 1_000 },
    );
    const first = flush();
    const second = flush();
    await pass(1_000);
    open();
    await first;
    await vi.advanceTimersByTimeAsync(0);
    open();
    await second;
    expect(most).toBe(1);
    const closing = close();
    await vi.advanceTimersByTimeAsync(0);
    open();
    await closing;
  });
});
