import { ReminderDay, UnheardTokens } from "@fusion/contract/reminders.ts";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "../../lib/api.ts";

const searchOf = (asked: Record<string, string | undefined>): string => {
  const given = Object.entries(asked).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
};

/** What would go out on a day; without a date, on the next day that has something. */
export const reminderDayQuery = (date: string | undefined, fintechId: string | undefined) =>
  queryOptions({
    queryKey: ["reminders", fintechId, date],
    queryFn: ({ signal }) => get(`/reminders${searchOf({ date, fintechId })}`, ReminderDay, { signal }),
    placeholderData: keepPreviousData,
  });

export const unheardTokensQuery = (fintechId: string | undefined) =>
  queryOptions({
    queryKey: ["reminders", "unheard", fintechId],
    queryFn: ({ signal }) => get(`/reminders/unheard${searchOf({ fintechId })}`, UnheardTokens, { signal }),
  });
