import type { EndingToken } from "@fusion/contract/applications.ts";
import { Link } from "@tanstack/react-router";
import { Hourglass, TriangleAlert } from "lucide-react";
import { paths } from "../../lib/paths.ts";
import { endWords, formatInstant } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { useNow } from "../../lib/use-now.ts";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { Lifeline } from "../../ui/lifeline.tsx";
import { LinkButton } from "../../ui/link-button.tsx";
import { Mono } from "../../ui/mono.tsx";
import classes from "./landing.module.css";

interface ExpiryNoticeProps {
  readonly of: EndingToken;
  /** How many more end within 15 days without a replacement. */
  readonly others?: number;
}

/** One sentence about a token that is about to expire or has just expired, with the button that leads to its renewal. */
export function ExpiryNotice({ of: token, others = 0 }: ExpiryNoticeProps) {
  const now = useNow(30_000);
  const timeZone = useTimeZone();
  const expired = Date.parse(token.expiresAt) <= now;
  const Icon = expired ? TriangleAlert : Hourglass;
  return (
    <section
      className={classes.notice}
      data-expired={expired}
      aria-label={expired ? "Expired" : "About to expire"}
    >
      <Icon size={20} aria-hidden />
      <p>
        <strong>{token.name}</strong> of {token.applicationName}{" "}
        <EnvironmentBadge environment={token.environment} /> {expired ? "expired" : "expires"}{" "}
        <strong>{endWords(token.expiresAt, now, timeZone)}</strong>, on{" "}
        {formatInstant(token.expiresAt, timeZone)}
        {expired && ", and has no replacement: its calls are refused"}.
        <span className={classes.noticeNote}>
          <Mono>{token.tokenId}</Mono>
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
      <Lifeline life={token} now={now} timeZone={timeZone} />
      <LinkButton
        to={paths.token}
        params={{ applicationId: token.applicationId, tokenId: token.tokenId }}
        search={token.canManage ? { renew: 1 } : {}}
      >
        {token.canManage ? "Renew" : "View"}
      </LinkButton>
    </section>
  );
}
