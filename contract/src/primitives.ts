import { z } from "zod";

/** An instant as RFC 3339 text in UTC, such as `2026-11-24T05:30:00.000Z`. */
export const Instant = z.iso.datetime({ precision: 3 }).describe("RFC 3339, UTC, milliseconds.");
/** A calendar day without a zone, such as `2027-11-23`. */
export const LocalDate = z.iso.date();

/** The local time at which a fintech is reminded, such as `09:00`. */
export const ReminderTime = z.iso.time({ precision: -1 }).describe("Local time of reminders, HH:MM.");

export const Environment = z.enum(["sandbox", "live"]);
export type Environment = z.infer<typeof Environment>;

export const ApplicationId = z.string().regex(/^app_[0-9A-Za-z]{1,40}$/);
export const TokenId = z.string().regex(/^tok_[0-9A-Za-z]{1,40}$/);
export const ReceiptId = z.string().regex(/^rcp_[0-9A-Za-z]{1,40}$/);
export const UserId = z.string().regex(/^usr_[0-9A-Za-z]{1,40}$/);
export const SessionId = z.string().regex(/^ses_[0-9A-Za-z]{1,40}$/);

/** How long the name of a person, an application or a token may be. */
export const nameLengthMax = 80;

/** For `regex()`: no control characters and no halves of surrogate pairs, since neither can be stored or shown. */
export const shownOnly = [/^[^\p{Cc}\p{Cs}]*$/u, "must not contain control characters"] as const;

/**
 * For `regex()` of names: like {@link shownOnly}, and without characters that reorder or hide the text beside them. The two joiners, which
 * some scripts need, are allowed.
 */
export const visibleOnly = [
  /^[\P{C}\u200C\u200D]*$/u,
  "must not contain control characters or invisible ones",
] as const;
