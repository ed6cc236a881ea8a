import { CurrentSession } from "@fusion/contract/login.ts";
import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { get } from "./api.ts";

/** Who is logged in. The router asks before it shows any page behind the login, so that pages can rely on it. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => get("/session", CurrentSession, { signal }),
  staleTime: 60_000,
});

export function useSession(): CurrentSession {
  return useSuspenseQuery(sessionQuery).data;
}

export function isOperator(session: CurrentSession): boolean {
  return session.user.role.startsWith("operator_");
}

/** Whether the person sees what the Fusion team did to the own fintech: courtesy only, the server decides. */
export function seesTeamActivity(session: CurrentSession): boolean {
  return session.user.role === "fintech_admin";
}

/** Whether the person may look after other people: courtesy only, the server decides. */
export function seesPeople(session: CurrentSession): boolean {
  return session.user.role !== "fintech_member";
}
