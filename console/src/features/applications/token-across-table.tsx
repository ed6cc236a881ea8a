import type { TokenAmongAll } from "@fusion/contract/tokens.ts";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { isOperator, useSession } from "../../lib/session.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { useNow } from "../../lib/use-now.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { Lifeline } from "../../ui/lifeline.tsx";
import { Mono } from "../../ui/mono.tsx";
import { EndDate, RelativeTime } from "../../ui/relative-time.tsx";
import { RenewLink } from "../../ui/renew-link.tsx";
import classes from "./applications.module.css";

/** Renders a token's status. It is passed in, since another feature owns it. */
export type ShowStatus = (token: TokenAmongAll, now: number) => ReactElement;

/** Tokens of several applications, one row each with its lifeline. The row leads to the token's page. */
export function TokenAcrossTable(props: {
  caption: string;
  tokens: readonly TokenAmongAll[];
  showStatus: ShowStatus;
  /** Which tokens the person may renew; given only where tokens are listed to be renewed. */
  isRenewable?: (token: TokenAmongAll) => boolean;
}): ReactElement {
  const { isRenewable } = props;
  const now = useNow(15_000);
  const timeZone = useTimeZone();
  const operator = isOperator(useSession());
  const columns: Column<TokenAmongAll>[] = [
    {
      key: "token",
      header: "Token",
      onPhone: "lead",
      cell: ({ applicationId, tokenId, name, hint }) => (
        <div className={classes.nameCell}>
          <Link to={paths.token} params={{ applicationId, tokenId }} data-row-link>
            {name}
          </Link>
          <span className={classes.soft}>
            <Mono>{tokenId}</Mono> · <Mono>{hint}</Mono>
          </span>
        </div>
      ),
    },
    {
      key: "life",
      header: "Lifetime",
      onPhone: "lead",
      cell: (token) => <Lifeline life={token} now={now} timeZone={timeZone} />,
    },
    {
      key: "application",
      header: "Application",
      cell: ({ applicationName, fintechName, environment }) => (
        <span className={classes.withBadge}>
          <span>
            {applicationName}
            {operator && <span className={classes.soft}> of {fintechName}</span>}
          </span>
          <EnvironmentBadge environment={environment} />
        </span>
      ),
    },
    { key: "status", header: "Status", cell: (token) => props.showStatus(token, now) },
    {
      key: "ends",
      header: "Ends",
      whole: true,
      cell: ({ revokedAt, plannedRevocation, expiresAt }) => (
        <EndDate instant={revokedAt ?? plannedRevocation?.at ?? expiresAt} />
      ),
    },
    {
      key: "used",
      header: "Last used",
      whole: true,
      cell: ({ lastUsedAt }) =>
        lastUsedAt ? <RelativeTime instant={lastUsedAt} /> : <span className={classes.soft}>Never</span>,
    },
    ...(isRenewable
      ? [
          {
            key: "renew",
            header: "Actions",
            headerHidden: true,
            align: "right" as const,
            onPhone: "foot" as const,
            cell: (token: TokenAmongAll) => (isRenewable(token) ? <RenewLink token={token} /> : null),
          },
        ]
      : []),
  ];
  return (
    <DataTable
      caption={props.caption}
      columns={columns}
      rows={props.tokens}
      rowKey={({ tokenId }) => tokenId}
      linked
    />
  );
}
