import type { Log } from "./log.ts";

/** Something that the program depends on, as the log sees it: one line when it fails, one when it works again, and none in between. */
export interface Outage {
  /** This failed because of it; whoever else would report the error says nothing then ({@link isTold}). */
  failed(error: unknown): void;
  worked(): void;
}

const told = new WeakSet<object>();

/** Whether the log knows this failure, or its cause, by the line of an outage. */
export function isTold(error: unknown): boolean {
  for (let each = error; typeof each === "object" && each !== null; each = (each as Error).cause)
    if (told.has(each)) return true;
  return false;
}

/** What fails within `settleMs` after it works again is late news of the same outage: what had begun before, or was still waiting. */
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
      // As loud as is needed to be seen by whoever sees the other line in production.
      log.warn({ part }, back);
    },
  };
}
