import { CalendarAddress, CalendarFeed } from "@fusion/contract/calendar.ts";
import { type PasswordChange, SessionList } from "@fusion/contract/login.ts";
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, isProblem, post, remove } from "../../lib/api.ts";
import { askAgain } from "../../lib/ask-again.ts";

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: ({ signal }) => get("/sessions", SessionList, { signal }),
});

/**
 * Ends sessions one after the other: those with the given ids, or all `others` that there are by now. One that has ended meanwhile is no
 * obstacle. If a later one fails, the earlier ones stay ended.
 */
export function useEndSessions() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (which: readonly string[] | "others") => {
      for (const sessionId of which === "others" ? await listOtherSessions() : which)
        await post(`/sessions/${encodeURIComponent(sessionId)}/end`, {}, null).catch((error: unknown) => {
          if (!isProblem(error, "not_found")) throw error;
        });
    },
    onSettled: () => askAgain(queryClient, { queryKey: sessionsQuery.queryKey }),
  });
}

/** Asked anew: the list that is shown may be older than the session that the person wants to be rid of. */
async function listOtherSessions(): Promise<string[]> {
  const { sessions } = await get("/sessions", SessionList);
  return sessions.filter(({ current }) => !current).map(({ sessionId }) => sessionId);
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
