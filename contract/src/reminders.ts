import { z } from "zod";
import { Instant, LocalDate } from "./primitives.ts";

export const ReminderState = z.enum(["planned", "sent", "failed", "missed", "cancelled"]);
export type ReminderState = z.infer<typeof ReminderState>;

/** That a token ends; that programs have yet to move from one that ends to its replacement; what either would look like. */
export const ReminderKind = z.enum(["expiry", "cutover", "test"]);
export type ReminderKind = z.infer<typeof ReminderKind>;

/** The reminders of one token: what was sent, what is to come. */
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
      }),
    ),
  })
  .meta({ id: "TokenReminders" });
export type TokenReminders = z.infer<typeof TokenReminders>;

export const TestReminder = z
  .object({
    to: z
      .array(z.object({ channel: z.enum(["sms", "email"]), address: z.string() }))
      .describe("Your addresses that reminders reach. None: nothing is sent."),
  })
  .meta({ id: "TestReminder" });
export type TestReminder = z.infer<typeof TestReminder>;
