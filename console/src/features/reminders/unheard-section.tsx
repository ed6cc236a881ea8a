import type { UnheardReason, UnheardTokens } from "@fusion/contract/reminders.ts";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { isOperator, useSession } from "../../lib/session.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { EndTime } from "../../ui/relative-time.tsx";
import { ErrorState, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { StatusBadge, type Tone } from "../../ui/status-badge.tsx";
import { unheardTokensQuery } from "./reminder-queries.ts";
import classes from "./reminders.module.css";

type UnheardToken = UnheardTokens["tokens"][number];

const reasonWords = {
  nobody_subscribed: [
    "soon",
    "Nobody asked",
    "Its reminders were never asked for, or ended: nobody is told.",
  ],
  nobody_reachable: [
    "urgent",
    "Nobody can be reached",
    "Somebody asked, but neither they nor an admin has an address that works.",
  ],
  admins_only: [
    "soon",
    "Admins only",
    "Who asked cannot be reached or lost access: the admins are told instead.",
  ],
} as const satisfies Record<UnheardReason, readonly [Tone, string, string]>;

const columns: Column<UnheardToken>[] = [
  {
    key: "token",
    header: "Token",
    onPhone: "lead",
    cell: ({ applicationId, applicationName, environment, tokenId, name }) => (
      <div className={classes.token}>
        <Link to={paths.token} params={{ applicationId, tokenId }} data-row-link>
          {name}
        </Link>
        <span className={classes.soft}>
          {applicationName} <EnvironmentBadge environment={environment} />
        </span>
      </div>
    ),
  },
  { key: "expires", header: "Expires", cell: ({ expiresAt }) => <EndTime instant={expiresAt} /> },
  {
    key: "reason",
    header: "Who is told",
    onPhone: "foot",
    cell: ({ reason }) => {
      const [tone, state, words] = reasonWords[reason];
      return (
        <div className={classes.token}>
          <StatusBadge tone={tone}>{state}</StatusBadge>
          <span className={classes.soft}>{words}</span>
        </div>
      );
    },
  },
];

/** Active tokens whose end nobody would hear about, or only admins who stand in. */
export function UnheardSection({ fintech }: { fintech: string | undefined }): ReactElement {
  const session = useSession();
  const asked = useQuery(unheardTokensQuery(fintech));
  const { data } = asked;
  return (
    <section aria-labelledby="unheard-heading" className={classes.section}>
      <h2 id="unheard-heading">Tokens that nobody would hear about</h2>
      {data ? (
        <>
          <StaleSign of={asked} />
          {data.total === 0 ? (
            <p>None. Of every active token somebody asked to be reminded, and can be reached.</p>
          ) : (
            <>
              {!isOperator(session) && <p>Open a token to be reminded of it yourself.</p>}
              <DataTable
                caption="Tokens that nobody would hear about"
                columns={columns}
                rows={data.tokens}
                rowKey={({ tokenId }) => tokenId}
                linked
              />
              {data.total > data.tokens.length && (
                <p className={classes.soft}>
                  These {data.tokens.length} end first; there are {data.total.toLocaleString("en-IN")} in all.
                </p>
              )}
            </>
          )}
        </>
      ) : asked.isPending ? (
        <RowsSkeleton label="Looking for them" />
      ) : (
        <ErrorState error={asked.error} onRetry={() => void asked.refetch()} />
      )}
    </section>
  );
}
