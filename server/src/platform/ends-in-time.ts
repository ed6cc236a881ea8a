/** How long a part may take to stop. One that takes longer is left behind, for example if its commit waits for a missing standby. */
const partStopsMs = 10_000;

/** Ends a part, but fails after ten seconds, so that stopping the program goes on with the next part. */
export function endsInTime(end: () => unknown): () => Promise<void> {
  return async () => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error("It did not stop in time.")), partStopsMs);
    try {
      await Promise.race([end(), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
