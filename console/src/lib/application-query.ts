import { ApplicationDetails, ApplicationList } from "@fusion/contract/applications.ts";
import { queryOptions } from "@tanstack/react-query";
import { get } from "./api.ts";

// Several features ask for an application; they share its place in the query cache.

export const applicationListQuery = queryOptions({
  queryKey: ["applications"],
  queryFn: ({ signal }) => get("/applications", ApplicationList, { signal }),
});

export const applicationQuery = (applicationId: string) =>
  queryOptions({
    queryKey: ["applications", applicationId],
    queryFn: ({ signal }) =>
      get(`/applications/${encodeURIComponent(applicationId)}`, ApplicationDetails, { signal }),
  });
