import { Button } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import { isTakenBack } from "../lib/use-shown.ts";
import classes from "./paged-list.module.css";
import { ErrorState, RowsSkeleton, StaleSign } from "./states.tsx";
import { useFocusOfMore } from "./use-focus-of-more.ts";

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
  const { rows, more, asked } = useFocusOfMore<HTMLDivElement>({
    isFetching: list.isFetchingNextPage,
    count,
  });
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
            asked();
            void list.fetchNextPage();
          }}
        >
          Show more
        </Button>
      )}
    </>
  );
}
