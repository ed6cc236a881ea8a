import type { ReactElement } from "react";
import { isOperator, useSession } from "../../lib/session.ts";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import classes from "./tokens.module.css";

/** What a question about tokens refers to. */
export interface AskedOf {
  /** Left out where the question names it. */
  readonly applicationName?: string;
  readonly environment: "sandbox" | "live";
  /** Undefined while it is not known. */
  readonly fintechName: string | undefined;
}

/** "Paisa Pocket, Pocket Wallet, sandbox", above a question. People of a fintech know its name, so only the Fusion team sees it. */
export function Whose({ of: { applicationName, environment, fintechName } }: { of: AskedOf }): ReactElement {
  const operator = isOperator(useSession());
  return (
    <p className={classes.whose}>
      {operator && fintechName !== undefined && (
        <>
          <strong>{fintechName}</strong>
          <span aria-hidden>·</span>
        </>
      )}
      {applicationName !== undefined && <span>{applicationName}</span>}
      <EnvironmentBadge environment={environment} />
    </p>
  );
}
