import { AddedPerson, EndedAccess, type NewPerson, type Person, PersonList } from "@fusion/contract/login.ts";
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post, put, remove } from "../../lib/api.ts";
import { askAgain } from "../../lib/ask-again.ts";

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

export type AccessLevel = Person["access"][number]["level"];

/**
 * Sets what a person may do with some applications; null takes the access away. The changes are sent one after the other, grants first, so
 * that nothing has changed yet when presence is still to be proven.
 */
export function useSetAccess() {
  return usePeopleChange(
    async ({
      userId,
      changes,
    }: {
      userId: string;
      changes: readonly { applicationId: string; level: AccessLevel | null }[];
    }) => {
      const address = (applicationId: string): string =>
        `/applications/${encodeURIComponent(applicationId)}/access/${encodeURIComponent(userId)}`;
      for (const { applicationId, level } of changes)
        if (level !== null) await put(address(applicationId), { level }, null);
      for (const { applicationId, level } of changes)
        if (level === null) await remove(address(applicationId));
    },
  );
}

/** Ends a person's access for good. */
export function useEndAccess() {
  return usePeopleChange((userId: string) =>
    post(`/people/${encodeURIComponent(userId)}/end-access`, {}, EndedAccess),
  );
}

/** Refetches the list, whether the change succeeded or failed. */
function usePeopleChange<Input, Result>(mutationFn: (input: Input) => Promise<Result>) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () => askAgain(queryClient, { queryKey: peopleQuery.queryKey }),
  });
}
