import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiProblem, isProblem } from "../lib/api.ts";

/** The cache of server state. `onSessionEnded` is called whenever an answer says that nobody is logged in. */
export function createQueryClient(onSessionEnded: () => void): QueryClient {
  const onError = (error: unknown): void => {
    if (isProblem(error, "session_required")) onSessionEnded();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // A refusal will be the same a second time; no answer, or a busy server, may be over soon.
        retry: (failures, error) =>
          failures < 2 && (!(error instanceof ApiProblem) || error.status === 0 || error.status >= 502),
      },
      mutations: { networkMode: "always" },
    },
  });
}
