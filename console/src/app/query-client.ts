import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiProblem, isProblem } from "../lib/api.ts";
import { isPageHeld, oncePageIsFree } from "../lib/held-page.ts";
import { askSessionAgain } from "../lib/session.ts";

/**
 * The cache of server state. Calls `leave` when an answer says that nobody is logged in. A held page stays, so that nothing entered there
 * is lost; once it is free, the server is asked again, since the person may have logged in in another window meanwhile.
 */
export function createQueryClient(leave: () => void): QueryClient {
  const onError = (error: unknown): void => {
    if (!isProblem(error, "session_required")) return;
    if (isPageHeld()) oncePageIsFree(() => void askSessionAgain(client));
    else leave();
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // Without a network, a query fails like any other that gets no answer, and the page says so. If paused, it would look up to date.
        networkMode: "always",
        refetchOnReconnect: true,
        // A refusal would be the same a second time. A missing answer or a busy server may be over soon.
        retry: (failures, error) =>
          failures < 2 && (!(error instanceof ApiProblem) || error.status === 0 || error.status >= 502),
      },
      mutations: { networkMode: "always" },
    },
  });
  return client;
}
