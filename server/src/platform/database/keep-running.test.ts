import { expect, it } from "vitest";
import { silentLog } from "../log.ts";
import { keepRunning } from "./keep-running.ts";

function arrange() {
  const stop = new AbortController();
  const pauses: number[] = [];
  const time = { now: 0, failures: 0 };
  const newServer = () => Promise.withResolvers<void>();
  const servers: ReturnType<typeof newServer>[] = [];
  const start = async () => {
    if (time.failures > 0) {
      time.failures -= 1;
      throw new Error("No space left on device");
    }
    const server = newServer();
    servers.push(server);
    return { ended: server.promise };
  };
  const first = newServer();
  servers.push(first);
  const kept = keepRunning(
    { ended: first.promise },
    {
      start,
      log: silentLog(),
      signal: stop.signal,
      now: () => time.now,
      pause: async (milliseconds) => {
        pauses.push(milliseconds);
        time.now += milliseconds;
      },
    },
  );
  /** The latest server ends after so long; resolves when another one runs. */
  const end = async (afterMs: number, { failures = 0 } = {}): Promise<number[]> => {
    const before = servers.length;
    time.now += afterMs;
    time.failures = failures;
    pauses.length = 0;
    servers.at(-1)?.resolve();
    await expect.poll(() => servers.length).toBe(before + 1);
    return [...pauses];
  };
  return { kept, end, stop, servers, pauses };
}

it("waits longer before each further start that fails, also of a server that had run for long", async () => {
  const { end } = arrange();
  expect(await end(3_600_000, { failures: 8 })).toEqual([
    100, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
  ]);
});

it("goes on waiting longer for one that ends soon after each start, and is quick again after one that has come back", async () => {
  const { end } = arrange();
  expect(await end(1_000)).toEqual([100]);
  expect(await end(1_000)).toEqual([1_000]);
  expect(await end(1_000, { failures: 1 })).toEqual([2_000, 4_000]);
  expect(await end(60_001)).toEqual([100]);
});

it("starts nothing any more once it is told to stop", async () => {
  const { kept, stop, servers, pauses } = arrange();
  const last = kept.current();
  stop.abort();
  servers.at(-1)?.resolve();
  expect(await kept.settled()).toBe(last);
  await new Promise((resolve) => setImmediate(resolve));
  expect([servers.length, pauses]).toEqual([1, []]);
});
