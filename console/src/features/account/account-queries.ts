import { SessionList } from "@fusion/contract/login.ts";
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post } from "../../lib/api.ts";

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: ({ signal }) => get("/sessions", SessionList, { signal }),
});

/** Ends sessions one after the other; what could be ended is, even if a later one fails. */
export function useEndSessions() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (sessionIds: readonly string[]) => {
      for (const sessionId of sessionIds)
        await post(`/sessions/${encodeURIComponent(sessionId)}/end`, {}, null);
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
}
