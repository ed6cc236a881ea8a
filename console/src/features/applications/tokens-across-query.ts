import { TokensAcross } from "@fusion/contract/tokens.ts";
import { infiniteQueryOptions, keepPreviousData } from "@tanstack/react-query";
import { get } from "../../lib/api.ts";

/** Tokens of all applications in which `find` is found, page by page, newest first. */
export const foundTokensQuery = (find: string) =>
  infiniteQueryOptions({
    queryKey: ["tokens", "across", find],
    queryFn: ({ pageParam, signal }) => {
      const search = new URLSearchParams({ find, ...(pageParam === null ? {} : { cursor: pageParam }) });
      return get(`/tokens?${search}`, TokensAcross, { signal });
    },
    enabled: find !== "",
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
  });
