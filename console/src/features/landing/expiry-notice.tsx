import type { TokenManagementSummary } from "@fusion/contract/applications.ts";
import { Link } from "@tanstack/react-router";
import { Hourglass } from "lucide-react";
import { paths } from "../../lib/paths.ts";
import { endWords, formatInstant } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { useNow } from "../../lib/use-now.ts";
import { Lifeline } from "../../ui/lifeline.tsx";
import { LinkButton } from "../../ui/link-button.tsx";
import { Mono } from "../../ui/mono.tsx";
import classes from "./landing.module.css";

interface ExpiryNoticeProps {
  readonly next: TokenManagementSummary["nextToExpire"];
  /** How many more end within 15 days without a replacement. */
  readonly others: number;
}

/** The one sentence when a token is about to expire, with the button that leads to its renewal; nothing otherwise. */
export function ExpiryNotice({ next, others }: ExpiryNoticeProps) {
  const now = useNow(30_000);
  const timeZone = useTimeZone();
  if (next === null) return null;
  return (
    <section className={classes.notice} aria-label="About to expire">
      <Hourglass size={20} aria-hidden />
      <p>
        <strong>{next.name}</strong> of {next.applicationName} expires{" "}
        <strong>{endWords(next.expiresAt, now, timeZone)}</strong>, on{" "}
        {formatInstant(next.expiresAt, timeZone)}.
        <span className={classes.noticeNote}>
          <Mono>{next.tokenId}</Mono>
          {others > 0 && (
            <>
              {" · "}
              <Link to={paths.tokensShown} params={{ show: "expiring" }}>
                {others.toLocaleString("en-IN")} more {others === 1 ? "ends" : "end"} within 15 days
              </Link>
            </>
          )}
        </span>
      </p>
      <Lifeline life={next} now={now} timeZone={timeZone} />
      <LinkButton
        to={paths.token}
        params={{ applicationId: next.applicationId, tokenId: next.tokenId }}
        search={next.canManage ? { renew: 1 } : {}}
      >
        {next.canManage ? "Renew" : "View"}
      </LinkButton>
    </section>
  );
}
