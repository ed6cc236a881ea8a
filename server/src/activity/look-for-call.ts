import { setTimeout as sleep } from "node:timers/promises";

/**
 * Looks for a call by its request id, several times if need be. People ask at once, and the process that answered writes its calls about a
 * second later.
 */
export type LookForCall = <Found>(
  requestId: string,
  look: () => Promise<Found | undefined>,
) => Promise<Found | undefined>;

/**
 * Pauses after this process has written its own calls. Together they are 2 s, longer than other processes take unless they are very busy.
 */
const pausesMs = [200, 300, 500, 500, 500];

/** Only ids of the form that we give can belong to a call. */
const givenId = /^req_[0-9A-Za-z]{20}$/;

/**
 * `writeCalls` writes what this process has not written yet. At most `waitersMax` wait for the other processes at once, so that a flood of
 * made-up ids does not pile up. Beyond that, an id that is not found is answered without waiting.
 */
export function createCallSearch({
  writeCalls,
  waitersMax = 32,
}: {
  readonly writeCalls: () => Promise<void>;
  readonly waitersMax?: number;
}): LookForCall {
  let waiters = 0;
  return async (requestId, look) => {
    let found = await look();
    if (found !== undefined || !givenId.test(requestId)) return found;
    await writeCalls();
    found = await look();
    if (found !== undefined || waiters >= waitersMax) return found;
    waiters += 1;
    try {
      for (const pauseMs of pausesMs) {
        await sleep(pauseMs);
        found = await look();
        if (found !== undefined) return found;
      }
      return undefined;
    } finally {
      waiters -= 1;
    }
  };
}
