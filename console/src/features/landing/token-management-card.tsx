import type { TokenManagementSummary } from "@fusion/contract/applications.ts";
import type { Role } from "@fusion/contract/login.ts";
import { Skeleton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { paths } from "../../lib/paths.ts";
import classes from "./landing.module.css";
import { ModuleCard } from "./module-card.tsx";

/** The card with its live counts: what works, what ends soon, what nobody uses. */
export function TokenManagementCard({
  summary,
  role,
}: {
  summary: TokenManagementSummary | undefined;
  role: Role;
}) {
  return (
    <ModuleCard to={paths.tokenManagement} Icon={KeyRound} title="Token Management" wide>
      <dl className={classes.counts}>
        <Count words="active" value={summary?.active} />
        <Count
          words="expiring within 15 days"
          value={summary?.expiringWithin15Days}
          tone="soon"
          show="expiring"
        />
        <Count words="unused for 90 days" value={summary?.unusedFor90Days} tone="ended" show="unused" />
      </dl>
      <p className={classes.sentence}>{sentenceFor(role, summary)}</p>
    </ModuleCard>
  );
}

/** What there is to do: the Fusion team generates and renews nothing. */
function sentenceFor(role: Role, summary: TokenManagementSummary | undefined): string {
  if (role === "operator_viewer") return "Look into the tokens of every fintech.";
  if (role === "operator_admin")
    return "Look into the tokens of every fintech, and revoke them in an emergency.";
  // The list of applications says which of them a member may manage.
  if (role === "fintech_member")
    return summary?.active === 0
      ? "No token yet. Whoever manages an application can generate the first one."
      : "Look into the tokens of your applications; generate, renew and revoke those that you manage.";
  return summary?.active === 0
    ? "No token yet. Choose an application and generate the first one."
    : "Generate, look into, renew and revoke the tokens of your applications.";
}

/** A number that links to the tokens it counts, if there are any. */
function Count({
  words,
  value,
  tone,
  show,
}: {
  words: string;
  value: number | undefined;
  tone?: "soon" | "ended";
  show?: "expiring" | "unused";
}) {
  const number = value?.toLocaleString("en-IN");
  return (
    <div data-tone={value ? tone : undefined}>
      <dt>{words}</dt>
      <dd>
        {value && show ? (
          <Link to={paths.tokensShown} params={{ show }} aria-label={`${number} ${words}`}>
            {number}
          </Link>
        ) : (
          (number ?? <Skeleton height={30} width={32} />)
        )}
      </dd>
    </div>
  );
}
