import { useEffect, useSyncExternalStore } from "react";

// A page is held while somebody enters something in a window over it, or is shown a secret there. Only that person may end it.

let holds = 0;
let waiting: (() => void) | undefined;
const watchers = new Set<() => void>();

/** Holds the page until the returned function is called. */
export function holdPage(): () => void {
  change(1);
  return () => {
    change(-1);
    if (holds > 0) return;
    const work = waiting;
    waiting = undefined;
    work?.();
  };
}

/** Holds the page while the component is mounted. */
export function useHoldPage(): void {
  useEffect(holdPage, []);
}

export function isPageHeld(): boolean {
  return holds > 0;
}

/** {@link isPageHeld} as a hook. */
export function usePageHeld(): boolean {
  return useSyncExternalStore(watch, isPageHeld);
}

/** Runs the work now, or once nothing holds the page. If several wait, only the last one runs. */
export function oncePageIsFree(work: () => void): void {
  if (holds === 0) work();
  else waiting = work;
}

function change(by: 1 | -1): void {
  holds += by;
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
