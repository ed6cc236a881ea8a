import { type RefObject, useEffect, useRef } from "react";
import { isFocusLost } from "./focus.ts";

/**
 * Keeps the focus of a list with a button for more rows: the button loses it while it is busy, and takes it along when that was all. It
 * gets it back, or if it is gone, the first row that came. `asked` is called when it is pressed, `count` is how many rows are shown.
 */
export function useFocusOfMore<Rows extends HTMLElement>(shown: {
  readonly isFetching: boolean;
  readonly count: number;
}): {
  readonly rows: RefObject<Rows | null>;
  readonly more: RefObject<HTMLButtonElement | null>;
  asked(): void;
} {
  const { isFetching, count } = shown;
  const rows = useRef<Rows>(null);
  const more = useRef<HTMLButtonElement>(null);
  /** How many rows with a link there were when more were asked for. */
  const linksBefore = useRef<number>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows that were there already and are only shown come without a fetch
  useEffect(() => {
    if (isFetching || linksBefore.current === undefined) return;
    const first = linksOf(rows.current)[linksBefore.current];
    linksBefore.current = undefined;
    if (isFocusLost()) (more.current ?? first)?.focus({ preventScroll: true });
  }, [isFetching, count]);
  return {
    rows,
    more,
    asked() {
      linksBefore.current = linksOf(rows.current).length;
    },
  };
}

function linksOf(rows: HTMLElement | null): HTMLElement[] {
  return [...(rows?.querySelectorAll<HTMLElement>("[data-row-link]") ?? [])];
}
