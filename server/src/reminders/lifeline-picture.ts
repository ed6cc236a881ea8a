import { escapeHtml } from "../platform/http/html.ts";
import { localDateText } from "../platform/local-time.ts";
import type { OpenNotice } from "./digest-store.ts";
import { daysBefore, daysLeft } from "./schedule.ts";
import { endOf } from "./token-end.ts";

/** The light colours of the console; a mail has no style sheet to share with it. */
export const mailColours = {
  ink: "#191d24",
  soft: "#555b66",
  good: "#17694a",
  soon: "#865000",
  urgent: "#b01e2b",
  ended: "#5a5f69",
  toCome: "#d8d3c7",
};
const urgentDays = 3;

type Lifetime = Pick<OpenNotice, "createdAt" | "expiresAt" | "replacementCreatedAt" | "revocationAt">;

/**
 * A token's lifetime in a form for mails, which neither load pictures nor know SVG: a table of one row, with the time before the last days
 * as one cell and then a cell for each of those local days. Days lived are filled, today stands out; the replacement of a renewed token is
 * a second row. A sentence of the mail says the same, for people who do not see it.
 */
export function lifelinePicture(
  token: Lifetime,
  { now, timeZone }: { readonly now: Date; readonly timeZone: string },
): string {
  const end = endOf(token);
  const dayOf = (instant: Date): number => daysLeft(end.at, instant, timeZone);
  const today = dayOf(now);
  const first = dayOf(token.createdAt);
  const hasEnded = end.at <= now;
  const lived = hasEnded ? mailColours.ended : today <= urgentDays ? mailColours.urgent : mailColours.soon;
  const replaced = token.replacementCreatedAt === null ? undefined : dayOf(token.replacementCreatedAt);
  // The most days left come first, since the line begins there.
  const days = Array.from({ length: daysBefore + 1 }, (_, index) => daysBefore - index);

  const row = (from: number, colour: string): string =>
    `<tr height="12">${[
      cell(from > daysBefore ? colour : undefined, 28),
      ...days.map((day) => {
        if (day > from) return cell(undefined);
        if (day === today && !hasEnded) return cell(mailColours.ink);
        return cell(hasEnded || day > today ? colour : mailColours.toCome);
      }),
    ].join("")}</tr>`;
  const generated = localDateText(token.createdAt, timeZone);
  const ends = `${end.isRevocation ? "To be revoked" : hasEnded ? "Expired" : "Expires"} ${localDateText(end.at, timeZone)}`;
  const replacement =
    token.replacementCreatedAt === null
      ? ""
      : `Its replacement was generated ${localDateText(token.replacementCreatedAt, timeZone)}.`;
  const sentence = [`Generated ${generated}. ${ends}.`, replacement].filter(Boolean).join(" ");
  const label = `style="font-size:12px;color:${mailColours.soft}"`;
  return [
    `<table role="img" aria-label="${escapeHtml(sentence)}" width="480" cellpadding="0" cellspacing="1" style="max-width:100%;table-layout:fixed">`,
    row(first, lived),
    ...(replaced === undefined ? [] : [row(replaced, mailColours.good)]),
    `<tr><td colspan="7" ${label}>Generated ${generated}</td><td colspan="10" align="right" ${label}>${ends}</td></tr>`,
    "</table>",
  ].join("");
}

function cell(colour: string | undefined, percent?: number): string {
  return `<td${colour === undefined ? "" : ` bgcolor="${colour}"`}${percent === undefined ? "" : ` width="${percent}%"`}></td>`;
}
