/**
 * Runs the work when what had already arrived in this turn of the event loop has been read, once however often it is asked for until then.
 * No timer: where nothing has arrived it costs nothing.
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
