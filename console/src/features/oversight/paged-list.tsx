import { Button } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import { ErrorState, RowsSkeleton } from "../../ui/states.tsx";

interface Paged {
  readonly isPending: boolean;
  readonly error: unknown;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  refetch(): unknown;
  fetchNextPage(): unknown;
}

/** A list that is on its way, failed, empty, or there with a way to more. */
export function PagedList(props: {
  list: Paged;
  label: string;
  count: number;
  empty: ReactNode;
  children: ReactNode;
}): ReactElement {
  const { list, count } = props;
  if (list.isPending) return <RowsSkeleton label={props.label} rows={5} />;
  if (list.error !== null && count === 0) {
    return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  }
  return (
    <>
      {count === 0 ? props.empty : props.children}
      {list.error !== null && <ErrorState error={list.error} />}
      {list.hasNextPage && (
        <Button
          variant="default"
          mt="md"
          loading={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          Load more
        </Button>
      )}
    </>
  );
}
