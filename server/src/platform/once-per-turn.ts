/**
 * Schedules the work for after everything that has arrived in this turn of the event loop was read; requests until then share one run. Uses
 * no timer: where nothing has arrived it costs nothing.
 */
export function oncePerTurn(work: () => void): () => void {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    setImmediate(() => {
      isAsked = false;
      work();
    });
  };
}
