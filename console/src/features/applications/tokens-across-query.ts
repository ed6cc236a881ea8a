import { TokensAcross, type TokensShown } from "@fusion/contract/tokens.ts";
import { infiniteQueryOptions, keepPreviousData } from "@tanstack/react-query";
import { get } from "../../lib/api.ts";

/** Tokens of all applications, page by page. */
function pagesOf(asked: { readonly find: string } | { readonly show: TokensShown }) {
  return infiniteQueryOptions({
    queryKey: ["tokens", "across", asked],
    queryFn: ({ pageParam, signal }) => {
      const search = new URLSearchParams({ ...asked, ...(pageParam === null ? {} : { cursor: pageParam }) });
      return get(`/tokens?${search}`, TokensAcross, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  });
}

/** The tokens in which `find` is found, newest first. */
export const foundTokensQuery = (find: string) => ({
  ...pagesOf({ find }),
  enabled: find !== "",
  placeholderData: keepPreviousData,
});

export const shownTokensQuery = (show: TokensShown) => pagesOf({ show });
