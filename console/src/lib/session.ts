import { CurrentSession } from "@fusion/contract/login.ts";
import { type QueryClient, queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { askAs, get } from "./api.ts";

/** Who is logged in. The router asks before it shows any page behind the login, so that pages can rely on it. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }) => {
    const session = await get("/session", CurrentSession, { signal });
    askAs(session.user.userId);
    return session;
  },
  staleTime: 60_000,
});

/** Asks the server anew who is logged in. The query client handles the case that it is nobody, or somebody else. */
export async function askSessionAgain(client: QueryClient): Promise<void> {
  await client.fetchQuery({ ...sessionQuery, staleTime: 0 }).catch(() => undefined);
}

/** Begins the session of a login, and drops what the cache kept of an earlier one. */
export function beginSession(client: QueryClient, session: CurrentSession): void {
  client.clear();
  askAs(session.user.userId);
  client.setQueryData(sessionQuery.queryKey, session);
  tellOtherTabs();
}

// The tabs of a browser share its cookie.
let channel: BroadcastChannel | undefined;

function otherTabs(): BroadcastChannel {
  channel ??= new BroadcastChannel("fusion-session");
  return channel;
}

/** Tells the other tabs that somebody logged in or out here. */
export function tellOtherTabs(): void {
  otherTabs().postMessage("changed");
}

/** Calls the function whenever somebody logs in or out in another tab. */
export function hearOtherTabs(changed: () => void): void {
  otherTabs().onmessage = changed;
}

export function useSession(): CurrentSession {
  return useSuspenseQuery(sessionQuery).data;
}

export function isOperator(session: CurrentSession): boolean {
  return session.user.role.startsWith("operator_");
}

/** Whether the person sees what the Fusion team did to their own fintech. This is a courtesy: the server decides. */
export function seesTeamActivity(session: CurrentSession): boolean {
  return session.user.role === "fintech_admin";
}

/** Whether the person may look after other people. This is a courtesy: the server decides. */
export function seesPeople(session: CurrentSession): boolean {
  return session.user.role !== "fintech_member";
}
