import { PersonList } from "@fusion/contract/login.ts";
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post } from "../../lib/api.ts";

export const peopleQuery = queryOptions({
  queryKey: ["people"],
  queryFn: ({ signal }) => get("/people", PersonList, { signal }),
});

/** Lets a person set a new password at the next login. */
export function useApproveReset() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (userId: string) => post(`/people/${encodeURIComponent(userId)}/approve-reset`, {}, null),
    onSettled: () => queryClient.invalidateQueries({ queryKey: peopleQuery.queryKey }),
  });
}
