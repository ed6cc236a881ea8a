import { EndingToken, TokenManagementSummary } from "@fusion/contract/applications.ts";
import { queryOptions } from "@tanstack/react-query";
import { get } from "../../lib/api.ts";

/** While processes are being replaced, one of the version before may answer: a notice that it says less of is left out, and the counts show. */
export const Summary = TokenManagementSummary.extend({
  nextToExpire: EndingToken.nullable().catch(null),
  lastExpired: EndingToken.nullable().catch(null),
});

/** The live counts of the "Token Management" card. Refreshed while the page is looked at. */
export const summaryQuery = queryOptions({
  queryKey: ["token-management", "summary"],
  queryFn: ({ signal }) => get("/token-management/summary", Summary, { signal }),
  // Not more often: each question would also keep an unattended session alive, which is why the idle page asks nothing.
  staleTime: 5_000,
});
