import { TokenManagementSummary } from "@fusion/contract/applications.ts";
import { queryOptions } from "@tanstack/react-query";
import { get } from "../../lib/api.ts";

/** The live counts of the "Token Management" card. Refreshed while the page is looked at. */
export const summaryQuery = queryOptions({
  queryKey: ["token-management", "summary"],
  queryFn: ({ signal }) => get("/token-management/summary", TokenManagementSummary, { signal }),
  // Not more often: each question would also keep an unattended session alive, which is why the idle page asks nothing.
  staleTime: 5_000,
});
