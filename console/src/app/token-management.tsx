import type { ReactElement } from "react";
import { ApplicationListPage } from "../features/applications/application-list-page.tsx";
import { TokenBadge } from "../features/tokens/token-badge.tsx";

/** The applications, and the tokens that are found among them. Features do not import each other; they meet here. */
export function TokenManagement(): ReactElement {
  return <ApplicationListPage showStatus={(token, now) => <TokenBadge token={token} now={now} />} />;
}
