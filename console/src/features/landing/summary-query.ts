import { EndingToken, TokenManagementSummary } from "@fusion/contract/applications.ts";
import { queryOptions } from "@tanstack/react-query";
import { get } from "../../lib/api.ts";

/**
 * While processes are being replaced, one of the previous version may answer with a notice that lacks fields. The notice is left out, and
 * the counts still show.
 */
export const Summary = TokenManagementSummary.extend({
  nextToExpire: EndingToken.nullable().catch(null),
  lastExpired: EndingToken.nullable().catch(null),
});

/** The counts of the "Token Management" card. Refetched when the page is opened or comes back into view. */
export const summaryQuery = queryOptions({
  queryKey: ["token-management", "summary"],
  queryFn: ({ signal }) => get("/token-management/summary", Summary, { signal }),
  // There is no timer either: an idle page asks nothing.
  staleTime: 5_000,
});
