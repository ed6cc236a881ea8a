import { type CallFilter, callsKeptDays, callsListedPerSecond } from "@fusion/contract/activity.ts";
import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import { NativeSelect } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactElement, useRef } from "react";
import { paths } from "../../lib/paths.ts";
import filterClasses from "../../ui/filter-links.module.css";
import { PagedList } from "../../ui/paged-list.tsx";
import { EmptyState } from "../../ui/states.tsx";
import classes from "./activity.module.css";
import { callFacetsQuery, callListQuery } from "./activity-queries.ts";
import { CallTable } from "./call-table.tsx";
import { leadTo, RequestAnswer } from "./request-answer.tsx";
import { tokenOptions } from "./token-options.ts";
import { useLookedAt } from "./use-looked-at.ts";

const filters = [
  ["all", "All"],
  ["refused", "Refused"],
  ["errors", "Errors"],
] as const satisfies readonly (readonly [CallFilter, string])[];

/** The calls of an application, live, and the answer to "why was this refused?". The filters and the request id are kept in the address. */
export function ActivitySection({ application }: { application: ApplicationDetails }): ReactElement {
  const { applicationId } = application;
  const { show = "all", token, route, request } = useSearch({ from: `/frame${paths.activity}` });
  const client = useQueryClient();
  const answer = useRef<HTMLDivElement>(null);
  const query = callListQuery(applicationId, { show, token, route });
  const [isLookedAt, watch] = useLookedAt();
  // Rows that moved away under the pointer would be pressed by mistake, so the list pauses.
  const list = useInfiniteQuery({ ...query, ...(isLookedAt && { refetchInterval: false as const }) });
  const calls = list.data?.pages.flatMap((page) => page.calls) ?? [];
  const isLive = (list.data?.pages.length ?? 0) <= 1;
  const isNarrowed = show !== "all" || token !== undefined || route !== undefined;

  return (
    <>
      <RequestAnswer requestId={request} applicationId={applicationId} answer={answer} />
      <section aria-labelledby="calls-heading">
        <div className={classes.head}>
          <h2 id="calls-heading">Calls</h2>
          <p className={classes.live} data-live={isLive && !isLookedAt && !list.isRefetchError}>
            {isLive ? (
              // While no answer comes, the list itself says so.
              !list.isRefetchError && (isLookedAt ? "Paused while you look" : "Updating")
            ) : (
              <>
                Standing still while older calls are shown.{" "}
                <button
                  type="button"
                  className={classes.textButton}
                  onClick={() => void client.resetQueries({ queryKey: query.queryKey })}
                >
                  Back to the latest
                </button>
              </>
            )}
          </p>
        </div>
        <div className={classes.narrow}>
          <nav aria-label="Filter calls" className={filterClasses.filters}>
            {filters.map(([value, words]) => (
              <Link
                key={value}
                from={paths.activity}
                to="."
                search={({ show: _show, ...rest }) => (value === "all" ? rest : { ...rest, show: value })}
                resetScroll={false}
                className={filterClasses.filter}
                data-chosen={show === value}
                aria-current={show === value ? "true" : undefined}
              >
                {words}
              </Link>
            ))}
          </nav>
          <Choices applicationId={applicationId} token={token} route={route} />
        </div>
        <div {...watch}>
          <PagedList
            list={list}
            label="Loading the calls"
            count={calls.length}
            empty={<NoCalls narrowed={isNarrowed} />}
          >
            <CallTable calls={calls} applicationId={applicationId} onExplain={() => leadTo(answer.current)} />
          </PagedList>
        </div>
        <p className={classes.kept}>
          Kept for {callsKeptDays} days, without bodies, values or secrets. In a busy second{" "}
          {callsListedPerSecond.accepted} accepted and {callsListedPerSecond.refused} refused calls are listed
          one by one, and the others counted.
        </p>
      </section>
    </>
  );
}

function Choices(props: {
  applicationId: string;
  token: string | undefined;
  route: string | undefined;
}): ReactElement {
  const { token, route } = props;
  const facets = useQuery(callFacetsQuery(props.applicationId)).data;
  const navigate = useNavigate({ from: paths.activity });
  const tokens = facets?.tokens ?? [];
  const routes = facets?.routes ?? [];
  const choose = (change: { token?: string | undefined; route?: string | undefined }): void =>
    void navigate({
      search: (search) => {
        const { token: _token, route: _route, ...rest } = search;
        const { token: chosenToken, route: chosenRoute } = { ...search, ...change };
        return {
          ...rest,
          ...(chosenToken ? { token: chosenToken } : {}),
          ...(chosenRoute ? { route: chosenRoute } : {}),
        };
      },
      resetScroll: false,
    });
  return (
    <div className={classes.choices}>
      <NativeSelect
        size="sm"
        label="Token"
        value={token ?? ""}
        onChange={(event) => choose({ token: event.currentTarget.value })}
        data={[
          { value: "", label: "All tokens" },
          ...tokenOptions(tokens),
          // A token from a saved address that has not called lately.
          ...(token !== undefined && !tokens.some(({ tokenId }) => tokenId === token)
            ? [{ value: token, label: token }]
            : []),
        ]}
      />
      <NativeSelect
        size="sm"
        label="Route"
        value={route ?? ""}
        onChange={(event) => choose({ route: event.currentTarget.value })}
        data={[
          { value: "", label: "All routes" },
          ...(route === undefined || routes.includes(route) ? routes : [...routes, route]),
        ]}
      />
    </div>
  );
}

function NoCalls({ narrowed }: { narrowed: boolean }): ReactElement {
  if (narrowed) return <p className={classes.none}>No call fits.</p>;
  return (
    <EmptyState title="No calls yet">
      Every call of the Fusion API with a token of this application appears here about a second later.
    </EmptyState>
  );
}
