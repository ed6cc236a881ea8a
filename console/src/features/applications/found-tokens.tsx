import type { TokenAmongAll } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { type ReactElement, useState } from "react";
import { ErrorState } from "../../ui/states.tsx";
import { useFocusOfMore } from "../../ui/use-focus-of-more.ts";
import classes from "./applications.module.css";
import { type ShowStatus, TokenAcrossTable } from "./token-across-table.tsx";

/** How many are shown at first, so that the applications below stay in sight. */
const shownFirst = 5;

/** The parts of the token search's query that are used here. */
interface Found {
  readonly error: unknown;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  refetch(): unknown;
  fetchNextPage(): unknown;
}

/** The tokens that a search found, above the applications. Renders nothing where there are none; the search itself says so. */
export function FoundTokens(props: {
  list: Found;
  tokens: readonly TokenAmongAll[];
  showStatus: ShowStatus;
}): ReactElement | null {
  const { list, tokens } = props;
  const [shown, setShown] = useState(shownFirst);
  const first = tokens.slice(0, shown);
  const { rows, more, asked } = useFocusOfMore<HTMLElement>({
    isFetching: list.isFetchingNextPage,
    count: first.length,
  });
  if (tokens.length === 0 && list.error === null) return null;
  return (
    <section ref={rows} aria-labelledby="found-tokens" className={classes.found}>
      <h2 id="found-tokens">Tokens</h2>
      {tokens.length > 0 && (
        <TokenAcrossTable caption="Tokens that were found" tokens={first} showStatus={props.showStatus} />
      )}
      {list.error !== null && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {(shown < tokens.length || list.hasNextPage) && (
        <Button
          variant="default"
          mt="md"
          ref={more}
          loading={list.isFetchingNextPage}
          onClick={() => {
            asked();
            if (shown >= tokens.length) void list.fetchNextPage();
            setShown(Number.POSITIVE_INFINITY);
          }}
        >
          Show more tokens
        </Button>
      )}
    </section>
  );
}
