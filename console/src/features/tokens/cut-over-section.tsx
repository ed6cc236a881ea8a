import type { CutOver, CutOverState } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { useNow } from "../../lib/use-now.ts";
import { useShown } from "../../lib/use-shown.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Mono } from "../../ui/mono.tsx";
import { ExactTime, RelativeTime } from "../../ui/relative-time.tsx";
import { ErrorState, StaleSign } from "../../ui/states.tsx";
import { StatusBadge, type Tone } from "../../ui/status-badge.tsx";
import { CallerCell } from "./caller-cell.tsx";
import { callersListedWords } from "./caller-words.ts";
import { allHaveMoved, cutOverStateWords, verdictSentence } from "./cut-over-words.ts";
import { isLive } from "./token-badge.tsx";
import { cutOverQuery } from "./token-queries.ts";
import classes from "./tokens.module.css";

const tones: Record<CutOverState, Tone> = {
  moved: "good",
  on_renewed: "soon",
  silent: "ended",
  new: "ended",
  together: "ended",
};

type Caller = CutOver["callers"][number];

const columnsFor = (renewed: { ended: boolean }): Column<Caller>[] => [
  {
    key: "caller",
    header: "Caller",
    onPhone: "lead",
    cell: (caller) => <CallerCell caller={caller} together={caller.state === "together"} />,
  },
  {
    key: "old",
    header: "Old token",
    whole: true,
    cell: ({ renewedLastAt }) => <LastSeen at={renewedLastAt} />,
  },
  {
    key: "new",
    header: "New token",
    whole: true,
    cell: ({ replacementLastAt }) => <LastSeen at={replacementLastAt} />,
  },
  {
    key: "state",
    header: "Cut-over",
    cell: ({ state }) => <StatusBadge tone={tones[state]}>{cutOverStateWords(state, renewed)}</StatusBadge>,
  },
];

/**
 * Who has moved from a renewed token to its replacement, on the page of either. Renders nothing where there is no such pair or nobody to
 * move.
 */
export function CutOverSection(props: {
  tokenId: string;
  applicationId: string;
  /** Asks whether to revoke the old token, the last step; undefined for people who may not. */
  onRevoke: ((renewed: CutOver["renewed"]) => void) | undefined;
}): ReactElement | null {
  const { tokenId, applicationId, onRevoke } = props;
  const now = useNow(15_000);
  const query = useQuery(cutOverQuery(tokenId));
  const shown = useShown(query);
  if (query.isLoadingError)
    return (
      <section aria-labelledby="cut-over-heading">
        <h2 id="cut-over-heading">Cut-over</h2>
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      </section>
    );
  const cutOver = shown?.cutOver;
  // Such as a token of last year that nobody presents any more.
  if (!cutOver || (!isLive(cutOver.renewed) && cutOver.callers.length === 0)) return null;
  const listedWords = callersListedWords({
    listed: cutOver.callers.filter(({ state }) => state !== "together").length,
    total: cutOver.callersTotal,
  });
  const link = (id: string, words: string): ReactElement | string =>
    id === tokenId ? (
      words
    ) : (
      <Link to={paths.token} params={{ applicationId, tokenId: id }}>
        {words}
      </Link>
    );
  return (
    <section aria-labelledby="cut-over-heading" className={classes.cutOver}>
      <h2 id="cut-over-heading">Cut-over</h2>
      <div className={classes.verdict}>
        <p>
          <strong>{verdictSentence(cutOver, now)}</strong> <StaleSign of={query} />
        </p>
        {onRevoke && isLive(cutOver.renewed) && (
          <Button
            {...(allHaveMoved(cutOver) ? { color: "urgent" } : { variant: "default" })}
            onClick={() => onRevoke(cutOver.renewed)}
          >
            Revoke the old token
          </Button>
        )}
      </div>
      <p className={classes.soft}>
        From the {link(cutOver.renewed.tokenId, "old token")} <Mono>{cutOver.renewed.tokenId}</Mono> to the{" "}
        {link(cutOver.replacement.tokenId, "new one")} <Mono>{cutOver.replacement.tokenId}</Mono>, by the
        calls since <ExactTime instant={cutOver.since} />.
      </p>
      {cutOver.callers.length > 0 && (
        <DataTable
          caption="Callers of the old token and of the new one"
          columns={columnsFor({ ended: !isLive(cutOver.renewed) })}
          rows={cutOver.callers}
          rowKey={({ ip, userAgent }) => `${ip} ${userAgent}`}
        />
      )}
      {listedWords && <p className={classes.soft}>{listedWords}</p>}
    </section>
  );
}

function LastSeen({ at }: { at: string | null }): ReactElement {
  return at === null ? <span className={classes.soft}>Not seen</span> : <RelativeTime instant={at} />;
}
