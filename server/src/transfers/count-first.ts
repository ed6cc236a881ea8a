import { countUsageOn } from "../ledger/count-usage.ts";
import { keyOfTenant } from "../ledger/locked-ledger.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { TransferBatcher } from "./batcher.ts";
import { LimitsNotCounted } from "./limit-errors.ts";

/** How long a transfer waits for the count. What was counted by then is kept, and a repeat goes on from there. */
const patienceMs = 8_000;

/**
 * A batcher that first counts where a transfer's limits ask about more postings than a batch reads. It counts outside of batches, in steps
 * that are kept, and once for all transfers that wait for the same count; then it submits the transfer again. Throws
 * {@link LimitsNotCounted} when that takes too long.
 */
export function countingFirst(
  batcher: TransferBatcher,
  deps: { readonly db: Database; readonly clock: Clock },
): TransferBatcher {
  const now = (): number => deps.clock.monotonicMs();
  const counting = new Map<string, Promise<void>>();
  /** Steps run one at a time, so that counting takes only one connection from others, however many accounts are to be counted. */
  let lastStep: Promise<unknown> = Promise.resolve();

  const count = async ({ tenant, of }: LimitsNotCounted, deadlineMs: number): Promise<void> => {
    let isDone = false;
    while (!isDone && now() < deadlineMs) {
      const countOn = (): Promise<boolean> => countUsageOn(deps, tenant, of);
      const step = lastStep.then(countOn, countOn);
      lastStep = step;
      isDone = await step;
    }
  };

  const countOnce = (asked: LimitsNotCounted, deadlineMs: number): Promise<void> => {
    const key = `${keyOfTenant(asked.tenant)}/${JSON.stringify(asked.of)}`;
    const underWay = counting.get(key);
    if (underWay) return underWay;
    const begun = count(asked, deadlineMs).finally(() => counting.delete(key));
    counting.set(key, begun);
    return begun;
  };

  return {
    async submit(asked) {
      const deadlineMs = now() + patienceMs;
      for (;;) {
        try {
          return await batcher.submit(asked);
        } catch (error) {
          if (!(error instanceof LimitsNotCounted) || now() >= deadlineMs) throw error;
          await countOnce(error, deadlineMs);
        }
      }
    },
  };
}
