import { CalendarAddress, CalendarFeed } from "@fusion/contract/calendar.ts";
import { type PasswordChange, SessionList } from "@fusion/contract/login.ts";
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post, remove } from "../../lib/api.ts";
import { askAgain } from "../../lib/ask-again.ts";

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: ({ signal }) => get("/sessions", SessionList, { signal }),
});

/** Ends sessions one after the other. If a later one fails, the earlier ones stay ended. */
export function useEndSessions() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (sessionIds: readonly string[]) => {
      for (const sessionId of sessionIds)
        await post(`/sessions/${encodeURIComponent(sessionId)}/end`, {}, null);
    },
    onSettled: () => askAgain(queryClient, { queryKey: sessionsQuery.queryKey }),
  });
}

/** Changes one's own password. The cache keeps neither password once the component that asked is unmounted. */
export function useChangePassword() {
  const queryClient = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (change: PasswordChange) => post("/password", change, null),
    onSuccess: () => {
      void askAgain(queryClient, { queryKey: sessionsQuery.queryKey });
      void askAgain(queryClient, { queryKey: calendarQuery.queryKey });
    },
  });
}

export const calendarQuery = queryOptions({
  queryKey: ["calendar"],
  queryFn: ({ signal }) => get("/calendar", CalendarFeed, { signal }),
});

/** Makes a calendar address; the previous one stops working. The answer never enters a cache. */
export function makeCalendar(): Promise<CalendarAddress> {
  return post("/calendar", {}, CalendarAddress);
}

export function useEndCalendar() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => remove("/calendar"),
    onSettled: () => askAgain(queryClient, { queryKey: calendarQuery.queryKey }),
  });
}
