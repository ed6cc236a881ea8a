import { useParams } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { ApplicationListPage } from "../features/applications/application-list-page.tsx";
import type { ShowStatus } from "../features/applications/token-across-table.tsx";
import { TokensShownPage } from "../features/applications/tokens-shown-page.tsx";
import { TokenBadge } from "../features/tokens/token-badge.tsx";
import { paths } from "../lib/paths.ts";

// The applications, and tokens of all of them. Features do not import each other; they meet here.

const showStatus: ShowStatus = (token, now) => <TokenBadge token={token} now={now} />;

export function TokenManagement(): ReactElement {
  return <ApplicationListPage showStatus={showStatus} />;
}

export function TokensShown(): ReactElement {
  // The router has checked that it is one of the two.
  const show = useParams({ from: `/frame${paths.tokensShown}` }).show === "unused" ? "unused" : "expiring";
  return <TokensShownPage key={show} show={show} showStatus={showStatus} />;
}
