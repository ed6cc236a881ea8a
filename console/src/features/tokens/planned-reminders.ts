import type { TokenReminders } from "@fusion/contract/reminders.ts";
import { expiringDays } from "@fusion/contract/tokens.ts";
import { Temporal } from "temporal-polyfill";
import type { LifelineReminder } from "../../ui/lifeline-geometry.ts";

/** The reminders still to come of a token that ends at `expiresAt`: one a local day, from 15 days before through the last day. */
export function plannedReminders(input: {
  expiresAt: string;
  timeZone: string;
  reminderTime: string;
  now: number;
}): LifelineReminder[] {
  const end = Temporal.Instant.from(input.expiresAt).toZonedDateTimeISO(input.timeZone);
  const planned: LifelineReminder[] = [];
  for (let before = expiringDays; before >= 0; before -= 1) {
    const at = end.toPlainDate().subtract({ days: before }).toZonedDateTime({
      timeZone: input.timeZone,
      plainTime: input.reminderTime,
    });
    if (at.epochMilliseconds <= input.now) continue;
    planned.push({
      at: new Date(at.epochMilliseconds).toISOString(),
      mark: planned.length === 0 ? "next" : "planned",
    });
  }
  return planned;
}

/** One dot per local day, from what was sent and what is planned, without tests. A day on which nothing went out to anybody is missed. */
export function drawnReminders(input: {
  reminders: TokenReminders | undefined;
  expiresAt: string;
  timeZone: string;
  reminderTime: string;
  now: number;
}): LifelineReminder[] {
  const { reminders } = input;
  if (reminders === undefined) return [];
  const past = new Map<string, LifelineReminder>();
  for (const { localDay, kind, state, sentAt, plannedFor } of reminders.reminders) {
    if (kind === "test") continue;
    if (state === "sent") past.set(localDay, { at: sentAt ?? plannedFor, mark: "sent" });
    else if ((state === "missed" || state === "failed") && past.get(localDay)?.mark !== "sent") {
      past.set(localDay, { at: plannedFor, mark: "missed" });
    }
  }
  const { nextAt } = reminders;
  const planned =
    nextAt === null
      ? []
      : [
          { at: nextAt, mark: "next" as const },
          ...plannedReminders(input)
            .filter(({ at }) => at > nextAt)
            .map(({ at }) => ({ at, mark: "planned" as const })),
        ];
  return [...past.values(), ...planned].toSorted((a, b) => a.at.localeCompare(b.at));
}
