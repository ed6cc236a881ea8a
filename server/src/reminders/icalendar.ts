// iCalendar as calendar programs read it (RFC 5545). Pure.

/** An instant that somebody wants to see coming. */
export interface CalendarEvent {
  /** The same for ever, so that a program recognises the event (section 3.8.4.7). */
  readonly uid: string;
  readonly at: Date;
  /** When its description last changed (section 3.8.7.2). */
  readonly changedAt: Date;
  readonly summary: string;
  readonly description: string;
  readonly url: string;
  readonly alarms: readonly Date[];
}

/** A calendar's whole text. Instants are in UTC, which needs no description of a zone (section 3.3.5, form 2). */
export function renderCalendar(name: string, events: readonly CalendarEvent[]): string {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Fusion//Token Management//EN",
    "CALSCALE:GREGORIAN",
    // The properties of RFC 7986 sections 5.1 and 5.7, and those that older programs read.
    `NAME:${text(name)}`,
    `X-WR-CALNAME:${text(name)}`,
    "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    "X-PUBLISHED-TTL:PT1H",
    ...(events.length > 0 ? events.flatMap(eventLines) : utcLines),
    "END:VCALENDAR",
  ];
  return lines.map((line) => `${fold(line)}\r\n`).join("");
}

/** An event without an end takes no time (section 3.6.1), and does not make its reader busy. */
function eventLines(event: CalendarEvent): string[] {
  const summary = text(event.summary);
  return [
    "BEGIN:VEVENT",
    `UID:${text(event.uid)}`,
    `DTSTAMP:${utc(event.changedAt)}`,
    `DTSTART:${utc(event.at)}`,
    `SUMMARY:${summary}`,
    `DESCRIPTION:${text(event.description)}`,
    `URL:${event.url}`,
    "TRANSP:TRANSPARENT",
    ...event.alarms.flatMap((at) => [
      "BEGIN:VALARM",
      "ACTION:DISPLAY",
      `TRIGGER;VALUE=DATE-TIME:${utc(at)}`,
      `DESCRIPTION:${summary}`,
      "END:VALARM",
    ]),
    "END:VEVENT",
  ];
}

/** A calendar has at least one component (section 3.6); this one stands in when there are no events. */
const utcLines = [
  "BEGIN:VTIMEZONE",
  "TZID:UTC",
  "BEGIN:STANDARD",
  "DTSTART:19700101T000000",
  "TZOFFSETFROM:+0000",
  "TZOFFSETTO:+0000",
  "END:STANDARD",
  "END:VTIMEZONE",
];

/** `20271123T053000Z` (section 3.3.5). */
function utc(instant: Date): string {
  return instant.toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
}

/** What people wrote, as a value of type TEXT (section 3.3.11), which may contain no other control character (section 3.1). */
function text(words: string): string {
  return words
    .replaceAll(/[\\;,]/g, "\\$&")
    .replaceAll(/\r\n?|\n/g, "\\n")
    .replaceAll(/\p{Cc}/gu, " ");
}

/** Folds a line into pieces of at most 75 octets, each further one after a space, without splitting a character (section 3.1). */
function fold(line: string): string {
  let folded = "";
  let octets = 0;
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (octets + size > 75) {
      folded += "\r\n ";
      octets = 1;
    }
    folded += character;
    octets += size;
  }
  return folded;
}
