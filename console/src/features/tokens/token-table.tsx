import type { TokenSummary } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { useNow } from "../../lib/use-now.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Lifeline } from "../../ui/lifeline.tsx";
import { Mono } from "../../ui/mono.tsx";
import { EndDate, RelativeTime } from "../../ui/relative-time.tsx";
import { RenewLink } from "../../ui/renew-link.tsx";
import { plannedReminders } from "./planned-reminders.ts";
import { isRenewable } from "./renewable.ts";
import { isLive, TokenBadge } from "./token-badge.tsx";
import classes from "./tokens.module.css";

/** Tokens of one application, a row each with its lifeline. */
export function TokenTable(props: {
  tokens: readonly TokenSummary[];
  timeZone: string;
  reminderTime: string;
  /** Whether tokens that are about to end link to their renewal. */
  canRenew: boolean;
  onRevoke: ((token: TokenSummary) => void) | undefined;
}): ReactElement {
  const { tokens, timeZone, reminderTime, canRenew, onRevoke } = props;
  const now = useNow(15_000);
  const byId = new Map(tokens.map((token) => [token.tokenId, token]));
  const columns: Column<TokenSummary>[] = [
    {
      key: "token",
      header: "Token id",
      onPhone: "lead",
      cell: (token) => (
        <div className={classes.tokenCell}>
          <Link
            to={paths.token}
            params={{ applicationId: token.applicationId, tokenId: token.tokenId }}
            data-row-link
          >
            <Mono>{token.tokenId}</Mono>
          </Link>
          <span className={classes.soft}>
            {token.name} · <Mono>{token.hint}</Mono>
          </span>
        </div>
      ),
    },
    {
      key: "life",
      header: "Lifetime",
      onPhone: "lead",
      cell: (token) => (
        <Lifeline
          life={token}
          now={now}
          timeZone={timeZone}
          replacement={token.replacedBy === null ? null : byId.get(token.replacedBy)}
          reminders={
            isLive(token) && token.subscribers > 0 && token.liveReplacement === null
              ? plannedReminders({ expiresAt: token.expiresAt, timeZone, reminderTime, now })
              : []
          }
        />
      ),
    },
    {
      key: "status",
      header: "Status",
      cell: (token) => <TokenBadge token={token} now={now} />,
    },
    { key: "ends", header: "Ends", whole: true, cell: (token) => <EndDate instant={endOf(token)} /> },
    {
      key: "used",
      header: "Last used",
      whole: true,
      cell: (token) =>
        token.lastUsedAt ? (
          <RelativeTime instant={token.lastUsedAt} />
        ) : (
          <span className={classes.soft}>Never</span>
        ),
    },
    ...(onRevoke
      ? [
          {
            key: "revoke",
            header: "Actions",
            headerHidden: true,
            align: "right" as const,
            onPhone: "foot" as const,
            cell: (token: TokenSummary) =>
              isLive(token) ? (
                <span className={classes.rowActions}>
                  {canRenew && token.status === "expiring" && isRenewable(token) && (
                    <RenewLink token={token} />
                  )}
                  <Button
                    variant="outline"
                    color="urgent"
                    size="compact-sm"
                    onClick={() => onRevoke(token)}
                    aria-label={`Revoke ${token.name}, ${token.hint}`}
                  >
                    Revoke
                  </Button>
                </span>
              ) : null,
          },
        ]
      : []),
  ];
  return (
    <DataTable
      caption="Tokens of this application"
      columns={columns}
      rows={tokens}
      rowKey={({ tokenId }) => tokenId}
      linked
    />
  );
}

function endOf(token: TokenSummary): string {
  return token.revokedAt ?? token.plannedRevocation?.at ?? token.expiresAt;
}
