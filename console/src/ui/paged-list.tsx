import { Button } from "@mantine/core";
import { type ReactElement, type ReactNode, useEffect, useRef } from "react";
import { isTakenBack } from "../lib/use-shown.ts";
import { isFocusLost } from "./focus.ts";
import classes from "./paged-list.module.css";
import { ErrorState, RowsSkeleton, StaleSign } from "./states.tsx";

/** The parts of an infinite query that are used here. */
interface Paged {
  readonly isPending: boolean;
  /** The data belongs to another filter and stays until the new answer comes. */
  readonly isPlaceholderData: boolean;
  readonly error: unknown;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly isFetchNextPageError: boolean;
  readonly isRefetchError: boolean;
  readonly dataUpdatedAt: number;
  refetch(): unknown;
  fetchNextPage(): unknown;
}

/**
 * A list that is loading, failed, empty, or shown with a button for more. If a later page fails, the earlier ones stay, unless this person
 * may see nothing any more. An empty page may have others behind it.
 */
export function PagedList(props: {
  list: Paged;
  /** For screen readers, such as "Loading the tokens". */
  label: string;
  count: number;
  empty: ReactNode;
  children: ReactNode;
}): ReactElement {
  const { list, count } = props;
  const rows = useRef<HTMLDivElement>(null);
  const more = useRef<HTMLButtonElement>(null);
  /** How many rows with a link there were when more were asked for. */
  const linksBefore = useRef<number>(undefined);
  // The button loses the focus while it is busy. It gets it back, or if that was all, the first row that came.
  useEffect(() => {
    if (list.isFetchingNextPage || linksBefore.current === undefined) return;
    const first = linksOf(rows.current)[linksBefore.current];
    linksBefore.current = undefined;
    if (isFocusLost()) (more.current ?? first)?.focus({ preventScroll: true });
  }, [list.isFetchingNextPage]);
  if (list.isPending) return <RowsSkeleton label={props.label} rows={4} />;
  if (list.error !== null && (count === 0 || isTakenBack(list.error))) {
    return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  }
  return (
    <>
      <StaleSign of={list} />
      <div ref={rows} className={classes.rows} aria-busy={list.isPlaceholderData}>
        {count === 0 ? props.empty : props.children}
      </div>
      {list.isFetchNextPageError && <ErrorState error={list.error} />}
      {list.hasNextPage && (
        <Button
          variant="default"
          mt="md"
          ref={more}
          loading={list.isFetchingNextPage}
          onClick={() => {
            linksBefore.current = linksOf(rows.current).length;
            void list.fetchNextPage();
          }}
        >
          Show more
        </Button>
      )}
    </>
  );
}

function linksOf(rows: HTMLElement | null): HTMLElement[] {
  return [...(rows?.querySelectorAll<HTMLElement>("[data-row-link]") ?? [])];
}
