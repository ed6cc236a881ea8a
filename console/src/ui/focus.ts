import { type RefObject, useEffect, useRef } from "react";

/**
 * Gives the focus to an element as soon as `ready` is so, if it was lost: a button that was pressed loses it while it is busy, and one that is
 * gone has taken it along.
 */
export function useFocusWhenLost<Target extends HTMLElement>(ready: boolean): RefObject<Target | null> {
  const target = useRef<Target>(null);
  useEffect(() => {
    if (ready && isFocusLost()) target.current?.focus({ preventScroll: true });
  }, [ready]);
  return target;
}

/** Nothing has the focus, or something that is about to lose it. */
export function isFocusLost(): boolean {
  const { activeElement: active } = document;
  return (
    active === null || active === document.body || active.matches(":disabled") || !active.checkVisibility()
  );
}
