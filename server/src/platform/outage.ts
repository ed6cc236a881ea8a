import type { Log } from "./log.ts";

/** Something that the program depends on, as seen in the log: one line when it fails, one when it works again, and none in between. */
export interface Outage {
  /** Reports a failure caused by the outage; other code that would log the error then does not ({@link isTold}). */
  failed(error: unknown): void;
  worked(): void;
}

const told = new WeakSet<object>();

/** Whether the line of an outage has already logged this failure or its cause. */
export function isTold(error: unknown): boolean {
  for (let each = error; typeof each === "object" && each !== null; each = (each as Error).cause)
    if (told.has(each)) return true;
  return false;
}

/** A failure within `settleMs` after recovery belongs to the same outage: it had begun before, or was still waiting. */
export function createOutage(
  log: Log,
  {
    part,
    gone,
    back,
    settleMs = 0,
  }: { readonly part: string; readonly gone: string; readonly back: string; readonly settleMs?: number },
): Outage {
  let isGone = false;
  let backAt = Number.NEGATIVE_INFINITY;
  return {
    failed(error) {
      if (typeof error === "object" && error !== null) told.add(error);
      if (isGone || performance.now() - backAt < settleMs) return;
      isGone = true;
      const { message, code } = error as NodeJS.ErrnoException;
      log.error({ part, reason: message, errorCode: code }, gone);
    },
    worked() {
      if (!isGone) return;
      isGone = false;
      backAt = performance.now();
      // A warning, so that it shows in production wherever the other line does.
      log.warn({ part }, back);
    },
  };
}
