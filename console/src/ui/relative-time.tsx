import { Tooltip, VisuallyHidden } from "@mantine/core";
import { endWords, formatDate, formatInstant, relativeTime, timeAgo } from "../lib/time.ts";
import { useTimeZone } from "../lib/time-zone.tsx";
import { useNow } from "../lib/use-now.ts";

/**
 * "2 minutes ago" for something that has happened, with the exact time and zone on hover and for screen readers. It is text and takes no
 * focus.
 */
export function RelativeTime({ instant }: { instant: string }) {
  const now = useNow(15_000);
  return <TimeInWords instant={instant} words={timeAgo(instant, now)} />;
}

/** The same for something to come: "in 2 minutes". */
export function ComingTime({ instant }: { instant: string }) {
  const now = useNow(15_000);
  return <TimeInWords instant={instant} words={relativeTime(instant, now)} />;
}

/** The end of a lifetime as a date, "10 Dec 2026", where a badge beside it counts the days. */
export function EndDate({ instant }: { instant: string }) {
  return <TimeInWords instant={instant} words={formatDate(instant, useTimeZone())} />;
}

/** The same together with the local days: "10 Dec 2026, in 9 days". */
export function EndTime({ instant }: { instant: string }) {
  const timeZone = useTimeZone();
  const now = useNow(15_000);
  const words = `${formatDate(instant, timeZone)}, ${endWords(instant, now, timeZone)}`;
  return <TimeInWords instant={instant} words={words} />;
}

function TimeInWords({ instant, words }: { instant: string; words: string }) {
  const timeZone = useTimeZone();
  const exact = formatInstant(instant, timeZone);
  return (
    <Tooltip label={exact}>
      <time dateTime={instant}>
        {words}
        <VisuallyHidden> ({exact})</VisuallyHidden>
      </time>
    </Tooltip>
  );
}

/** "Tue 23 Nov 2027, 11:00 IST". */
export function ExactTime({ instant }: { instant: string }) {
  return <time dateTime={instant}>{formatInstant(instant, useTimeZone())}</time>;
}
