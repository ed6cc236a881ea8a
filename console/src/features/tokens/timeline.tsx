import { RevokeReason, revokeReasonWords, type TokenDetails } from "@fusion/contract/tokens.ts";
import type { ReactElement } from "react";
import { ExactTime } from "../../ui/relative-time.tsx";
import classes from "./tokens.module.css";

/** Everything that happened to a token, latest first. */
export function Timeline({ events }: { events: TokenDetails["timeline"] }): ReactElement {
  const latestFirst = events.toSorted((a, b) => b.at.localeCompare(a.at));
  return (
    <ol className={classes.timeline}>
      {latestFirst.map((event) => (
        <li key={`${event.at} ${event.action}`}>
          <p>{eventWords(event)}</p>
          <p className={classes.soft}>
            <ExactTime instant={event.at} />
            {event.actor !== "" && `, ${event.actor}`}
          </p>
        </li>
      ))}
    </ol>
  );
}

function eventWords({ action, details }: TokenDetails["timeline"][number]): string {
  switch (action) {
    case "token.issued":
      return typeof details.replaces === "string" ? `Generated, renews ${details.replaces}` : "Generated";
    case "token.renewed":
      return typeof details.replacedBy === "string" ? `Renewed by ${details.replacedBy}` : "Renewed";
    case "token.revoked": {
      const reason = RevokeReason.safeParse(details.reason);
      return reason.success ? `Revoked: ${revokeReasonWords[reason.data].toLowerCase()}` : "Revoked";
    }
    case "token.reminders-started":
      return "Reminders started";
    case "token.reminders-ended":
      return "Reminders ended";
    default:
      // A kind of event that is newer than this page.
      return action.replace(/^token\./, "").replaceAll(/[-_]/g, " ");
  }
}
