import { describe, expect, it } from "vitest";
import { type CalendarEvent, renderCalendar } from "./icalendar.ts";

// The rules of RFC 5545 that a feed of ours depends on.

const event: CalendarEvent = {
  uid: "tok_1@fusion.example",
  at: new Date("2027-11-23T05:30:00.000Z"),
  changedAt: new Date("2027-02-01T00:00:00.123Z"),
  summary: "Token expires",
  description: "One",
  url: "https://fusion.example/a?b=1,2;c",
  alarms: [],
};
const rendered = (over: Partial<CalendarEvent> = {}) => renderCalendar("Tokens", [{ ...event, ...over }]);
/** Unfolds lines as section 3.1 requires of a reader. */
const unfolded = (calendar: string) => calendar.replaceAll(/\r\n[ \t]/g, "").split("\r\n");

describe("a calendar", () => {
  it("has version and product, and of each event a UID, stamps in UTC and no end (sections 3.4, 3.6.1, 3.3.5)", () => {
    const lines = unfolded(rendered());
    expect(lines.slice(0, 3)).toEqual([
      "BEGIN:VCALENDAR",
      "VERSION:2.0",
      "PRODID:-//Fusion//Token Management//EN",
    ]);
    const begin = lines.indexOf("BEGIN:VEVENT");
    expect(lines.slice(begin)).toEqual([
      "BEGIN:VEVENT",
      "UID:tok_1@fusion.example",
      "DTSTAMP:20270201T000000Z",
      "DTSTART:20271123T053000Z",
      "SUMMARY:Token expires",
      "DESCRIPTION:One",
      // A URI is not of type TEXT and is not escaped (section 3.8.4.6).
      "URL:https://fusion.example/a?b=1,2;c",
      "TRANSP:TRANSPARENT",
      "END:VEVENT",
      "END:VCALENDAR",
      "",
    ]);
  });

  it("without events still has a component (section 3.6)", () => {
    const lines = unfolded(renderCalendar("Tokens", []));
    expect(lines).toContain("BEGIN:VTIMEZONE");
    expect(lines).toContain("END:VTIMEZONE");
    expect(lines).not.toContain("BEGIN:VEVENT");
  });

  it("gives an alarm its action, its absolute instant in UTC and its words (sections 3.6.6 and 3.8.6.3)", () => {
    const lines = unfolded(rendered({ alarms: [new Date("2027-11-20T03:30:00Z")] }));
    const begin = lines.indexOf("BEGIN:VALARM");
    expect(lines.slice(begin, begin + 5)).toEqual([
      "BEGIN:VALARM",
      "ACTION:DISPLAY",
      "TRIGGER;VALUE=DATE-TIME:20271120T033000Z",
      "DESCRIPTION:Token expires",
      "END:VALARM",
    ]);
  });

  it("escapes what people wrote, which can begin no line of its own (section 3.3.11)", () => {
    const calendar = rendered({ summary: 'a\\b;c,d:"e"\r\nBEGIN:VALARM\nf\u0000g\u007f' });
    expect(unfolded(calendar)).toContain('SUMMARY:a\\\\b\\;c\\,d:"e"\\nBEGIN:VALARM\\nf g ');
    expect(calendar.replaceAll("\r\n", "")).not.toMatch(/\p{Cc}/u);
  });

  it("ends lines with CRLF and folds them at 75 octets between characters (section 3.1)", () => {
    for (const summary of [
      "चाय ".repeat(40),
      "😀".repeat(60),
      "x".repeat(300),
      "x".repeat(67),
      "x".repeat(68),
    ]) {
      const calendar = rendered({ summary });
      for (const line of calendar.split("\r\n")) {
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
        expect(line.isWellFormed()).toBe(true);
      }
      expect(unfolded(calendar)).toContain(`SUMMARY:${summary}`);
    }
    expect(rendered({ summary: "x".repeat(67) })).toContain(`SUMMARY:${"x".repeat(67)}\r\nDESCRIPTION`);
  });
});
