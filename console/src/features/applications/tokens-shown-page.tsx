import type { TokensShown } from "@fusion/contract/tokens.ts";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { applicationListQuery } from "../../lib/application-query.ts";
import { paths } from "../../lib/paths.ts";
import { isOperator, useSession } from "../../lib/session.ts";
import { PageHeader } from "../../ui/page-header.tsx";
import { PagedList } from "../../ui/paged-list.tsx";
import classes from "./applications.module.css";
import { type ShowStatus, TokenAcrossTable } from "./token-across-table.tsx";
import { shownTokensQuery } from "./tokens-across-query.ts";

const words = {
  expiring: {
    title: "Tokens that end within 15 days",
    lead: "Whichever ends first, over all applications. Those that were renewed and have a replacement that works are not among them.",
    none: "No token without a replacement ends within 15 days.",
  },
  unused: {
    title: "Tokens unused for 90 days",
    lead: "Active, older than 90 days, and without a call since, over all applications. One that nobody needs is better revoked.",
    none: "Every active token that is older than 90 days was used since.",
  },
} as const;

/** The tokens behind a count of the landing page. */
export function TokensShownPage(props: {
  show: Exclude<TokensShown, "all">;
  showStatus: ShowStatus;
}): ReactElement {
  const { title, lead, none } = words[props.show];
  const renews = props.show === "expiring";
  const list = useInfiniteQuery(shownTokensQuery(props.show));
  // Neither people who only view an application nor the Fusion team can renew tokens.
  const operator = isOperator(useSession());
  const { data } = useQuery({ ...applicationListQuery, enabled: renews && !operator });
  const managed = new Set(
    data?.applications.filter((one) => one.canManage && !one.suspended).map((one) => one.applicationId),
  );
  const tokens = list.data?.pages.flatMap((page) => page.tokens) ?? [];
  return (
    <>
      <PageHeader
        title={title}
        above={<Link to={paths.tokenManagement}>Token Management</Link>}
        lead={lead}
      />
      <PagedList
        list={list}
        label="Loading the tokens"
        count={tokens.length}
        empty={<p className={classes.soft}>{none}</p>}
      >
        <TokenAcrossTable
          caption={title}
          tokens={tokens}
          showStatus={props.showStatus}
          {...(renews && { isRenewable: (token) => managed.has(token.applicationId) })}
        />
      </PagedList>
    </>
  );
}
