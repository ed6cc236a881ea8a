import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiProblem, isProblem } from "../lib/api.ts";
import { isPageHeld, oncePageIsFree } from "../lib/held-page.ts";
import { askSessionAgain } from "../lib/session.ts";

/**
 * The cache of server state. `leave` is called when an answer says that nobody is logged in. A page that is held stays, so that nothing
 * entered there is lost: once it is free the server is asked again, since the person may have logged in in another window meanwhile.
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
        // Without a network a question fails like any other that is not answered, and the page says so; paused, it would look up to date.
        networkMode: "always",
        refetchOnReconnect: true,
        // A refusal will be the same a second time; no answer, or a busy server, may be over soon.
        retry: (failures, error) =>
          failures < 2 && (!(error instanceof ApiProblem) || error.status === 0 || error.status >= 502),
      },
      mutations: { networkMode: "always" },
    },
  });
  return client;
}
