import { escapeHtml } from "../platform/http/html.ts";
import { clockTimeText, localTimeText } from "../platform/local-time.ts";
import { nameInSms, oneLine } from "../platform/messages/name-in-message.ts";
import type { OpenNotice } from "./digest-store.ts";
import { lifelinePicture } from "./lifeline-picture.ts";
import { daysLeft } from "./schedule.ts";
import { endOf } from "./token-end.ts";

/** What a digest says; the same for the sent one and for the preview. */
export interface DigestText {
  readonly subject: string;
  readonly text: string;
  /** Only for a mail. */
  readonly html?: string;
  /** Only for a mail that can be ended; mail programs then offer to do that (RFC 8058 section 3.1). */
  readonly headers?: Readonly<Record<"List-Unsubscribe" | "List-Unsubscribe-Post", string>>;
  /** The registered template that an SMS follows. */
  readonly smsTemplate: "reminder" | "notice";
}

export interface DigestContent {
  readonly channel: "sms" | "email";
  readonly recipientName: string;
  readonly fintechName: string;
  readonly timeZone: string;
  /** An origin without a trailing slash. */
  readonly publicUrl: string;
  /** The time at which the text is assumed to be read. */
  readonly now: Date;
  /** Most urgent first, at least one. */
  readonly notices: readonly OpenNotice[];
  /** Where the recipient ends this mail. A preview has none, since somebody else looks at it. */
  readonly unsubscribeUrl?: string;
}

/** Nobody reads a mail that lists more; the console has them all. */
const listedMax = 40;

/**
 * Renders a digest: local time with its zone, last use, a link to the token's page. It has no secret and nothing that acts on a click; what
 * a mail program offers to click ends the mail itself.
 */
export function renderDigest(content: DigestContent): DigestText {
  const [first] = content.notices;
  if (!first) throw new Error("A digest without notices is not rendered.");
  return content.channel === "sms" ? renderSms(content, first) : renderMail(content, first);
}

function renderMail(content: DigestContent, first: OpenNotice): DigestText {
  const { notices, timeZone, now, unsubscribeUrl } = content;
  const more = notices.length - 1;
  const subject =
    `${daysLeftWords(first, content)}: token "${first.name}" ${expiryWords(first, content)}${cutOverWords(first)}` +
    (more > 0 ? `, and ${more} more` : "");
  const listed = notices.slice(0, listedMax).map((notice) => ({
    notice,
    heading: `${daysLeftWords(notice, content)}: ${notice.name}${notice.kind === "cutover" ? ", renewed" : ""}`,
    facts: [
      `Token ${notice.tokenId} (${notice.hint})`,
      `Application ${notice.applicationName}, ${notice.environment}`,
      ...revocationFacts(notice, timeZone),
      `${notice.expiresAt <= now ? "Expired" : endOf(notice).isRevocation ? "Would expire" : "Expires"} ${localTimeText(notice.expiresAt, timeZone)}`,
      useWords(notice.lastUsedAt, timeZone),
      ...(notice.replacementId === null
        ? []
        : [
            `Replacement ${notice.replacementId}: ${useWords(notice.replacementUsedAt, timeZone).toLowerCase()}`,
          ]),
      ...(notice.suspended === null
        ? []
        : [
            `Its ${notice.suspended} is suspended: calls are refused already, and no replacement can be generated`,
          ]),
      ...(notice.fallback
        ? ["You get this as an admin, since nobody who asked to be reminded can be reached"]
        : []),
    ],
    link: linkTo(notice, content.publicUrl),
    picture: lifelinePicture(notice, content),
  }));
  const cutOver = notices.some((notice) => notice.kind === "cutover");
  const opening = openingOf(content, cutOver);
  const unlisted = notices.length - listed.length;
  const closing = [
    ...(unlisted > 0 ? [`${unlisted} more are listed in the console: ${content.publicUrl}/`] : []),
    ...(notices.some((notice) => !notice.fallback)
      ? ["You get this because you asked to be reminded; you can end it on the token's page."]
      : []),
    `Reminders stop when a token is renewed or revoked${cutOver ? ", warnings of a renewed one when programs use its replacement" : ""}. This message contains no secret; we never ask for one.`,
  ];
  const text = [
    `Hello ${content.recipientName},`,
    opening,
    ...listed.map(({ heading, facts, link }) => [heading, ...facts, link].join("\n  ")),
    ...closing,
    ...(unsubscribeUrl ? [`End this mail, for all tokens:\n  ${unsubscribeUrl}`] : []),
    "Fusion Token Management",
  ].join("\n\n");
  const html = [
    '<!doctype html><html lang="en"><body style="font-family:sans-serif;line-height:1.5;max-width:40em">',
    `<p>Hello ${escapeHtml(content.recipientName)},</p><p>${escapeHtml(opening)}</p>`,
    ...listed.map(
      ({ heading, facts, link, picture }) =>
        `<h3>${escapeHtml(heading)}</h3>${picture}<p>${facts.map(escapeHtml).join("<br>")}<br><a href="${escapeHtml(link)}">Open the token's page</a></p>`,
    ),
    ...closing.map((line) => `<p>${escapeHtml(line)}</p>`),
    ...(unsubscribeUrl
      ? [`<p><a href="${escapeHtml(unsubscribeUrl)}">End this mail, for all tokens</a></p>`]
      : []),
    "<p>Fusion Token Management</p></body></html>",
  ].join("\n");
  return {
    subject: oneLine(subject),
    text: `${text}\n`,
    html,
    ...(unsubscribeUrl && {
      headers: {
        "List-Unsubscribe": `<${unsubscribeUrl}>`,
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      },
    }),
    smsTemplate: "reminder",
  };
}

/** What to do about the tokens, before they end or now that they have. While all are suspended, nothing can be done. */
function openingOf({ notices, fintechName, now }: DigestContent, cutOver: boolean): string {
  const many = notices.length > 1;
  const these = many ? `these ${notices.length} tokens of ${fintechName}` : "this token";
  if (notices.every(({ suspended }) => suspended !== null))
    return `${these} ${many ? "need" : "needs"} your attention as soon as ${many ? "their" : "its"} suspension is over:`;
  const ended = notices.filter(({ expiresAt }) => expiresAt <= now).length;
  if (ended === notices.length)
    return many
      ? `${these} have ended, and programs that use them are refused. Generate replacements of those that are still needed:`
      : `${these} has ended, and programs that use it are refused. Generate its replacement if it is still needed:`;
  if (many) {
    const already =
      ended === 0
        ? ""
        : `. ${ended} of them ${ended === 1 ? "has ended, and programs that use it" : "have ended, and programs that use those"} are refused already`;
    return `${these} need your attention. Generate their replacements${cutOver ? ", and move programs to those that you have," : ""} before programs that use them are refused${already}:`;
  }
  return cutOver
    ? "this token was renewed, and programs have yet to move to its replacement. Move them before they are refused:"
    : "this token needs your attention. Generate its replacement before programs that use it are refused:";
}

function renderSms(content: DigestContent, first: OpenNotice): DigestText {
  const more = content.notices.length - 1;
  const name = nameInSms(first.name);
  const link = linkTo(first, content.publicUrl);
  const others = more > 0 ? `, and ${more} more` : "";
  const days = daysLeftWords(first, content);
  const isPlain = first.kind !== "cutover" && first.suspended === null;
  const suspended = first.suspended === null ? "" : `; its ${first.suspended} is suspended`;
  const text = isPlain
    ? `Fusion: token "${name}" ${expiryWords(first, content)} (${days})${others}. Renew: ${link}`
    : `${days}: token "${name}" ${expiryWords(first, content)}${cutOverWords(first)}${suspended}${others}. ${link}`;
  return {
    subject: oneLine(`${days}: token "${first.name}"`),
    text: oneLine(text),
    smsTemplate: isPlain ? "reminder" : "notice",
  };
}

/** `15 days left`, `1 day left`, `Today`, `Expired today`, `Expired 3 days ago`. */
function daysLeftWords(notice: OpenNotice, { now, timeZone }: DigestContent): string {
  const { at, isRevocation } = endOf(notice);
  const days = daysLeft(at, now, timeZone);
  if (days > 0) return days === 1 ? "1 day left" : `${days} days left`;
  if (days === 0) return at > now || isRevocation ? "Today" : "Expired today";
  return days === -1 ? "Expired 1 day ago" : `Expired ${-days} days ago`;
}

/**
 * `expires Tue 23 Nov 2027, 11:00 IST`, `expires today at 11:00 IST`, `expired today at 08:00 IST`, `will be revoked today at 11:00 IST`.
 */
function expiryWords(notice: OpenNotice, { now, timeZone }: DigestContent): string {
  const { at, isRevocation } = endOf(notice);
  const verb = isRevocation ? "will be revoked" : at > now ? "expires" : "expired";
  return daysLeft(at, now, timeZone) === 0
    ? `${verb} today at ${clockTimeText(at, timeZone)}`
    : `${verb} ${localTimeText(at, timeZone)}`;
}

const afterFirstUse = {
  none: "at",
  "1h": "1 hour after",
  "24h": "24 hours after",
  "7d": "7 days after",
} as const satisfies Record<NonNullable<OpenNotice["revocationOverlap"]>, string>;

/** What was planned at its renewal, unless the token expires before that. */
function revocationFacts(notice: OpenNotice, timeZone: string): string[] {
  const { revocationAt, revocationOverlap } = notice;
  const { at, isRevocation } = endOf(notice);
  if (isRevocation)
    return [`Will be revoked ${localTimeText(at, timeZone)}, as was planned when it was renewed`];
  return revocationOverlap === null || revocationAt !== null
    ? []
    : [
        `Will be revoked ${afterFirstUse[revocationOverlap]} the first use of its replacement, as was planned when it was renewed`,
      ];
}

function cutOverWords({ kind }: OpenNotice): string {
  return kind === "cutover" ? ", and programs have yet to move to its replacement" : "";
}

function useWords(lastUsedAt: Date | null, timeZone: string): string {
  return lastUsedAt ? `Last used ${localTimeText(lastUsedAt, timeZone)}` : "Never used";
}

function linkTo(notice: OpenNotice, publicUrl: string): string {
  return `${publicUrl}/applications/${notice.applicationId}/tokens/${notice.tokenId}`;
}
