/** A part that takes longer to stop, such as one whose commit waits for a standby that is not there, is left behind. */
const partStopsMs = 10_000;

/** The same end of a part, which fails when it takes longer than ten seconds: whoever stops the program goes on with the next. */
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
