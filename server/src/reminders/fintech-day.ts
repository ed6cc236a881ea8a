import type { FintechDay } from "./due-notices.ts";
import { expiryDayStarts, type ReminderSettings, reminderInstant, windowOfDay } from "./schedule.ts";

/** The day that holds `now`, or a later one, as it looks now: as of its reminder time or, once that has passed, as of now. */
export function fintechDayAhead(
  fintech: Parameters<typeof fintechDay>[0],
  localDay: string,
  now: Date,
): FintechDay | undefined {
  const day = fintechDay(fintech, localDay, now);
  return day && { ...day, asOf: later(now, day.plannedFor) };
}

export function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/** A day with its window, as of `asOf`. Without `asOf` it is a missed day, as of its own reminder time. */
export function fintechDay(
  fintech: ReminderSettings & Pick<FintechDay, "ifiId" | "fintechId">,
  localDay: string,
  asOf: Date | undefined,
): FintechDay | undefined {
  const plannedFor = reminderInstant(localDay, fintech);
  if (!plannedFor) return undefined;
  return {
    ifiId: fintech.ifiId,
    fintechId: fintech.fintechId,
    localDay,
    plannedFor,
    asOf: asOf ?? plannedFor,
    ...windowOfDay(localDay, fintech.timeZone),
    expiryDayStarts: asOf === undefined ? [] : expiryDayStarts(localDay, fintech.timeZone),
    missed: asOf === undefined,
  };
}
