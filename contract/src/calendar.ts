import { z } from "zod";
import { Instant } from "./primitives.ts";

/** Whether a person has an address at which a calendar program reads when their tokens end. */
export const CalendarFeed = z
  .object({ madeAt: Instant.nullable().describe("When its address was made; null where there is none.") })
  .meta({ id: "CalendarFeed" });
export type CalendarFeed = z.infer<typeof CalendarFeed>;

export const CalendarAddress = z
  .object({
    madeAt: Instant,
    address: z
      .url()
      .describe("For a calendar program to subscribe to (iCalendar, RFC 5545); in this answer alone."),
  })
  .meta({ id: "CalendarAddress" });
export type CalendarAddress = z.infer<typeof CalendarAddress>;
