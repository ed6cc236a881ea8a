import { CallFacets, type CallFilter, CallList, ExplainedCall } from "@fusion/contract/activity.ts";
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "../../lib/api.ts";

const path = encodeURIComponent;

/** What the list is narrowed to. */
export interface Narrowing {
  readonly show: CallFilter;
  readonly token?: string | undefined;
  readonly route?: string | undefined;
}

const liveEveryMs = 5_000;

/**
 * An application's calls, page by page, latest first. Once older calls are shown, the list stops refreshing, so that nobody loses their
 * place.
 */
export const callListQuery = (applicationId: string, { show, token, route }: Narrowing) =>
  infiniteQueryOptions({
    queryKey: ["calls", "of", applicationId, show, token, route],
    queryFn: ({ pageParam, signal }) => {
      const search = new URLSearchParams({
        show,
        ...(token === undefined ? {} : { token }),
        ...(route === undefined ? {} : { route }),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      });
      return get(`/applications/${path(applicationId)}/calls?${search}`, CallList, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 1 ? false : liveEveryMs),
  });

export const callFacetsQuery = (applicationId: string) =>
  queryOptions({
    queryKey: ["calls", "facets", applicationId],
    queryFn: ({ signal }) => get(`/applications/${path(applicationId)}/call-facets`, CallFacets, { signal }),
    staleTime: 60_000,
  });

export const explainedCallQuery = (requestId: string) =>
  queryOptions({
    queryKey: ["calls", "explained", requestId],
    queryFn: ({ signal }) => get(`/calls/${path(requestId)}`, ExplainedCall, { signal }),
    retry: false,
  });
