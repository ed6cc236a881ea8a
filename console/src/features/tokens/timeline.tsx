import type { AuditActionOn } from "@fusion/contract/audit-actions.ts";
import {
  Overlap,
  OverlapFrom,
  RevokeReason,
  revokeReasonWords,
  type TokenDetails,
} from "@fusion/contract/tokens.ts";
import { Link } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { paths } from "../../lib/paths.ts";
import { Mono } from "../../ui/mono.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { overlapSentence, pastOverlapSentence } from "./overlap-words.ts";
import { isLive } from "./token-badge.tsx";
import classes from "./tokens.module.css";

/** What happened to a token, latest first, and whether there is more. */
export function Timeline({
  token,
}: {
  token: Pick<TokenDetails, "timeline" | "timelineCut" | "applicationId" | "status" | "plannedRevocation">;
}): ReactElement {
  const { timeline, timelineCut } = token;
  const latestFirst = timeline.toSorted((a, b) => b.at.localeCompare(a.at));
  return (
    <>
      <ol className={classes.timeline}>
        {latestFirst.map((event) => (
          <li key={`${event.at} ${event.action} ${String(event.details.url ?? "")}`}>
            <p>{eventWords(event, token)}</p>
            <p className={classes.soft}>
              <ExactTime instant={event.at} />
              {event.actor !== "" && `, ${event.actor}`}
            </p>
          </li>
        ))}
      </ol>
      {timelineCut && (
        <p className={classes.soft}>The latest {timeline.length} are listed. More had happened before.</p>
      )}
    </>
  );
}

function eventWords(
  { action, details }: TokenDetails["timeline"][number],
  token: Pick<TokenDetails, "applicationId" | "status" | "plannedRevocation">,
): ReactNode {
  const { applicationId } = token;
  const link = (tokenId: string): ReactElement => (
    <Link to={paths.token} params={{ applicationId, tokenId }}>
      <Mono>{tokenId}</Mono>
    </Link>
  );
  // Only a newer server sends another one, which the default handles.
  const known = action as AuditActionOn<"token">;
  switch (known) {
    case "token.issued":
      return typeof details.replaces === "string" ? (
        <>Generated, renews {link(details.replaces)}</>
      ) : (
        "Generated"
      );
    case "token.renewed":
      return typeof details.replacedBy === "string" ? (
        <>
          Renewed by {link(details.replacedBy)}
          {overlapOf(details, token)}
        </>
      ) : (
        "Renewed"
      );
    case "token.revoked": {
      const reason = RevokeReason.safeParse(details.reason);
      return reason.success ? `Revoked: ${revokeReasonWords[reason.data].toLowerCase()}` : "Revoked";
    }
    case "token.revocation-called-off":
      return typeof details.replacement === "string" ? (
        <>Planned revocation called off: {link(details.replacement)} had ended</>
      ) : (
        "Planned revocation called off"
      );
    case "token.found": {
      const { url } = details;
      if (typeof url !== "string") return "Found in public";
      return (
        <>
          Found in public:{" "}
          <a href={url} target="_blank" rel="noopener noreferrer">
            {url}
          </a>
        </>
      );
    }
    case "token.reminders-started":
      return "Reminders started";
    case "token.reminders-ended":
      return "Reminders ended";
    case "token.reminder-mail-ended":
      return "Reminder mail ended";
    case "token.ip-allow-list-set":
      return Array.isArray(details.to) && details.to.length > 0
        ? `Allowed from ${details.to.join(", ")} only`
        : "Its own list of allowed addresses was emptied";
    default:
      return newerWords(known satisfies never);
  }
}

/** The words for an event that is newer than this page: its own name. */
function newerWords(action: string): string {
  return action.replace(/^token\./, "").replaceAll(/[-_]/g, " ");
}

/** What was planned then, and whether it still is. Empty for a renewal after the token's end, or from before an overlap could be chosen. */
function overlapOf(
  details: Record<string, unknown>,
  token: Pick<TokenDetails, "status" | "plannedRevocation">,
): string {
  const overlap = Overlap.safeParse(details.overlap);
  const overlapFrom = OverlapFrom.safeParse(details.overlapFrom);
  if (!overlap.success || !overlapFrom.success) return "";
  const planned = { overlap: overlap.data, overlapFrom: overlapFrom.data };
  const stands = isLive(token) && (token.plannedRevocation !== null || planned.overlap === "until_expiry");
  return `; this one ${stands ? overlapSentence(planned) : pastOverlapSentence(planned)}`;
}
