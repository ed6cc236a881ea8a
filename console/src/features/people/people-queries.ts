import { AddedPerson, EndedAccess, type NewPerson, PersonList } from "@fusion/contract/login.ts";
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post } from "../../lib/api.ts";

export const peopleQuery = queryOptions({
  queryKey: ["people"],
  queryFn: ({ signal }) => get("/people", PersonList, { signal }),
});

/** Lets a person set a new password at the next login. */
export function useApproveReset() {
  return usePeopleChange((userId: string) =>
    post(`/people/${encodeURIComponent(userId)}/approve-reset`, {}, null),
  );
}

/** Adds a person to the caller's own fintech, or to the Fusion team. */
export function useAddPerson() {
  return usePeopleChange((person: NewPerson) => post("/people", person, AddedPerson));
}

/** Ends a person's access for good. */
export function useEndAccess() {
  return usePeopleChange((userId: string) =>
    post(`/people/${encodeURIComponent(userId)}/end-access`, {}, EndedAccess),
  );
}

/** Whatever came of it, the list is asked for anew. */
function usePeopleChange<Input, Result>(mutationFn: (input: Input) => Promise<Result>) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () => queryClient.invalidateQueries({ queryKey: peopleQuery.queryKey }),
  });
}
