import type { TokenDetails } from "@fusion/contract/tokens.ts";
import { useElementSize } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { paths } from "../../lib/paths.ts";
import { formatDay, formatShortDay } from "../../lib/time.ts";
import { Mono } from "../../ui/mono.tsx";
import { callWords, refusalsByReason } from "./refusals.ts";
import classes from "./tokens.module.css";

const height = 120;
const gap = 2;

/** Calls per day over the last 30 days: the refused ones above the accepted ones, with the reasons and a link to the refused calls. */
export function CallsChart({
  token: { tokenId, applicationId, callsPerDay: days },
}: {
  token: Pick<TokenDetails, "tokenId" | "applicationId" | "callsPerDay">;
}): ReactElement {
  const { ref, width: measured } = useElementSize<HTMLDivElement>();
  const width = Math.max(measured || 600, 200);
  const most = Math.max(1, ...days.map(({ accepted, refused }) => accepted + refused));
  const accepted = days.reduce((sum, day) => sum + day.accepted, 0);
  const refused = days.reduce((sum, day) => sum + day.refused, 0);
  const step = width / Math.max(days.length, 1);
  // A day with a single call among thousands still shows.
  const y = (calls: number): number => (calls === 0 ? 0 : Math.max(2, (calls / most) * height));
  const first = days[0];
  const last = days.at(-1);
  const reasons = refusalsByReason(days);
  const linkToRefused = (words: ReactNode): ReactElement => (
    <Link to={paths.activity} params={{ applicationId }} search={{ token: tokenId, show: "refused" }}>
      {words}
    </Link>
  );
  return (
    <figure className={classes.chart}>
      <figcaption className={classes.legend}>
        <span data-kind="accepted">{accepted.toLocaleString("en-IN")} accepted</span>
        <span data-kind="refused">{refused.toLocaleString("en-IN")} refused</span>
        <span className={classes.most}>
          most in a day {most === 1 && accepted + refused === 0 ? 0 : most.toLocaleString("en-IN")}
        </span>
        {reasons.length > 0 && (
          <ul className={classes.refusals} aria-label="Why calls were refused">
            {reasons.map(([code, calls]) => (
              <li key={code}>
                {calls.toLocaleString("en-IN")} {linkToRefused(<Mono>{code}</Mono>)}
              </li>
            ))}
          </ul>
        )}
        {refused > 0 && linkToRefused("Refused calls of this token")}
      </figcaption>
      <div ref={ref}>
        <svg
          width={width}
          height={height + 1}
          role="img"
          aria-label={`In the last ${days.length} days ${callWords(days)}`}
        >
          {days.map((day, index) => {
            const tall = y(day.accepted);
            const x = index * step;
            return (
              <g key={day.day}>
                <rect className={classes.slot} x={x} y={0} width={step} height={height}>
                  <title>{`${formatDay(day.day)}: ${callWords([day])}`}</title>
                </rect>
                <rect className={classes.accepted} x={x} y={height - tall} width={step - gap} height={tall} />
                <rect
                  className={classes.refused}
                  x={x}
                  y={Math.max(0, height - tall - y(day.refused))}
                  width={step - gap}
                  height={Math.min(y(day.refused), height - tall)}
                />
              </g>
            );
          })}
          <rect className={classes.axis} x={0} y={height} width={width} height={1} />
        </svg>
      </div>
      <div className={classes.axisWords} aria-hidden>
        <span>{first && formatShortDay(first.day)}</span>
        <span>{last && formatShortDay(last.day)}</span>
      </div>
      {accepted > 0 && (
        <p className={classes.soft}>
          Counted by whether the token was accepted. What such a call asked for may have been refused all the
          same, as with a 404:{" "}
          <Link to={paths.activity} params={{ applicationId }} search={{ token: tokenId }}>
            API activity
          </Link>{" "}
          lists each call.
        </p>
      )}
    </figure>
  );
}
