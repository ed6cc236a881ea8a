import { z } from "zod";
import { ApplicationId, Environment, Instant, LocalDate, TokenId } from "./primitives.ts";
import { DeliveryState } from "./webhooks.ts";

export const ReminderState = z.enum(["planned", "sent", "failed", "missed", "cancelled", "acknowledged"]);
export type ReminderState = z.infer<typeof ReminderState>;

/**
 * `expiry`: a token ends. `cutover`: programs have yet to move from a token that ends to its replacement. `test`: what either would look
 * like.
 */
export const ReminderKind = z.enum(["expiry", "cutover", "test"]);
export type ReminderKind = z.infer<typeof ReminderKind>;

/** The kinds that are sent without being asked for. */
const NoticeKind = ReminderKind.exclude(["test"]);

/** The reminders of one token: what was sent and what is to come. */
export const TokenReminders = z
  .object({
    recipients: z
      .array(z.object({ name: z.string(), you: z.boolean() }))
      .describe("Who is told of the next one, as far as can be said now. None: nobody would hear of it."),
    fallback: z
      .boolean()
      .describe(
        "The recipients are the fintech's admins, since nobody who asked to be reminded can be reached.",
      ),
    nextAt: Instant.nullable(),
    nextKind: ReminderKind.exclude(["test"])
      .nullable()
      .describe(
        "Of the next one. A cut-over warning of a renewed token goes out unless programs have moved to the replacement by then.",
      ),
    stopped: z
      .enum(["renewed", "revoked", "nobody_subscribed", "ended"])
      .nullable()
      .describe("Why none will follow, if so."),
    acknowledgeable: z
      .boolean()
      .describe("Whether you are told of it today, or were, and have not said that you know."),
    reminders: z.array(
      z.object({
        localDay: LocalDate,
        kind: ReminderKind,
        channel: z.enum(["sms", "email"]),
        recipient: z.string().describe("Masked."),
        state: ReminderState,
        plannedFor: Instant,
        sentAt: Instant.nullable(),
        answer: z.string().nullable().describe("The provider's, once it took the message."),
        error: z.string().nullable(),
        acknowledged: z
          .object({ at: Instant, by: z.string() })
          .nullable()
          .describe("When its recipient said that they know of it, and their name."),
      }),
    ),
    webhooks: z
      .array(
        z.object({
          localDay: LocalDate,
          kind: NoticeKind,
          endpointId: z.string(),
          url: z.string(),
          eventId: z.string(),
          state: DeliveryState,
          createdAt: Instant,
        }),
      )
      .describe("What webhooks of the application were told of its end, newest first; kept for seven days."),
  })
  .meta({ id: "TokenReminders" });
export type TokenReminders = z.infer<typeof TokenReminders>;

export const AcknowledgedReminders = z
  .object({ acknowledged: z.boolean().describe("Whether there was anything to acknowledge.") })
  .meta({ id: "AcknowledgedReminders" });
export type AcknowledgedReminders = z.infer<typeof AcknowledgedReminders>;

export const TestReminder = z
  .object({
    to: z
      .array(z.object({ channel: z.enum(["sms", "email"]), address: z.string() }))
      .describe("Your addresses that reminders reach. None: nothing is sent."),
  })
  .meta({ id: "TestReminder" });
export type TestReminder = z.infer<typeof TestReminder>;

/** How far ahead a day's reminders can be previewed: beyond the end of any token. */
export const previewDaysMax = 400;

/** What would go out on one local day of a fintech, as far as is known now. */
export const ReminderDay = z
  .object({
    date: LocalDate,
    timeZone: z.string(),
    today: LocalDate,
    goesOutAt: Instant.nullable().describe(
      "The reminder time of that day; null where the zone leaves it out, and of a day that went out before the time was changed to a later one.",
    ),
    nextDate: LocalDate.nullable().describe("The first day after it on which something goes out."),
    messages: z.array(
      z.object({
        recipient: z.string(),
        you: z.boolean(),
        channel: z.enum(["sms", "email"]),
        to: z.string().describe("Masked, but for your own."),
        subject: z.string().describe("Of an SMS, what it is about."),
        text: z.string(),
        tokens: z.array(
          z.object({ tokenId: TokenId, applicationId: ApplicationId, name: z.string(), kind: NoticeKind }),
        ),
      }),
    ),
  })
  .meta({ id: "ReminderDay" });
export type ReminderDay = z.infer<typeof ReminderDay>;

/** Why the reminders of an active token reach less than they should. */
export const UnheardReason = z
  .enum(["nobody_subscribed", "nobody_reachable", "admins_only"])
  .describe(
    "`nobody_subscribed`: nobody asked to be reminded, so nobody is told. `nobody_reachable`: somebody asked, but neither they nor an admin of the fintech can be reached. `admins_only`: who asked cannot be reached or lost access, so the fintech's admins are told instead.",
  );
export type UnheardReason = z.infer<typeof UnheardReason>;

export const UnheardTokens = z
  .object({
    total: z.int(),
    tokens: z
      .array(
        z.object({
          tokenId: TokenId,
          name: z.string(),
          applicationId: ApplicationId,
          applicationName: z.string(),
          environment: Environment,
          expiresAt: Instant,
          reason: UnheardReason,
        }),
      )
      .describe("Those that end first, at most 100."),
  })
  .meta({ id: "UnheardTokens" });
export type UnheardTokens = z.infer<typeof UnheardTokens>;
