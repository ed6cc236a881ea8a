import { type RefObject, useEffect, useRef } from "react";

/**
 * Gives the focus to an element once `ready` is true, if the focus was lost. A pressed button loses it while it is busy, and a button that
 * is gone has taken it along.
 */
export function useFocusWhenLost<Target extends HTMLElement>(ready: boolean): RefObject<Target | null> {
  const target = useRef<Target>(null);
  useEffect(() => {
    if (ready && isFocusLost()) target.current?.focus({ preventScroll: true });
  }, [ready]);
  return target;
}

/** Whether nothing has the focus, or only something that is about to lose it. */
export function isFocusLost(): boolean {
  const { activeElement: active } = document;
  return (
    active === null || active === document.body || active.matches(":disabled") || !active.checkVisibility()
  );
}
