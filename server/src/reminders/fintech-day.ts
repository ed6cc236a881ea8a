import type { FintechDay } from "./due-notices.ts";
import { expiryDayStarts, type ReminderSettings, reminderInstant, windowOfDay } from "./schedule.ts";

/** A day with its window; looked at as of `asOf`, or without it as a missed day, as of its own reminder time. */
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
