import {
  type DeliveryFilter,
  deliveryFilters,
  type WebhookDelivery,
  type WebhookEndpoint,
} from "@fusion/contract/webhooks.ts";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { openedOverPage, useCloseDialog } from "../../lib/dialog-entry.ts";
import { paths } from "../../lib/paths.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { DeliveryBadge } from "../../ui/delivery-badge.tsx";
import filterClasses from "../../ui/filter-links.module.css";
import { Mono } from "../../ui/mono.tsx";
import { PagedList } from "../../ui/paged-list.tsx";
import { ComingTime, RelativeTime } from "../../ui/relative-time.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { DeliveryPanel } from "./delivery-panel.tsx";
import { deliveryListQuery, useEndpointFollows } from "./webhook-queries.ts";
import classes from "./webhooks.module.css";

const filterWords: Record<DeliveryFilter, string> = {
  all: "All",
  open: "On their way",
  delivered: "Delivered",
  failed: "Given up",
};

/** What was delivered, or will be. The filter and the delivery whose details are open stand in the address. */
export function DeliveryLog(props: { endpoint: WebhookEndpoint; canManage: boolean }): ReactElement {
  const { endpoint, canManage } = props;
  const { applicationId, endpointId } = useParams({ from: `/frame${paths.webhook}` });
  const { status = "all", event } = useSearch({ from: `/frame${paths.webhook}` });
  const navigate = useNavigate({ from: paths.webhook });
  const closePanel = useCloseDialog(
    () =>
      void navigate({
        search: ({ event: _event, ...rest }) => rest,
        replace: true,
        resetScroll: false,
      }),
  );
  const disabled = endpoint.disabledAt !== null;
  const list = useInfiniteQuery(deliveryListQuery(endpointId, status));
  const deliveries = list.data?.pages.flatMap((page) => page.deliveries) ?? [];
  useEndpointFollows(endpointId, list.data && deliveries);
  return (
    <section aria-labelledby="deliveries-heading" className={classes.block}>
      <h2 id="deliveries-heading">Deliveries</h2>
      <nav aria-label="Filter deliveries" className={filterClasses.filters}>
        {deliveryFilters.map((value) => (
          <Link
            key={value}
            from={paths.webhook}
            to="."
            search={value === "all" ? {} : { status: value }}
            resetScroll={false}
            className={filterClasses.filter}
            data-chosen={status === value}
            aria-current={status === value ? "true" : undefined}
          >
            {filterWords[value]}
          </Link>
        ))}
      </nav>
      <PagedList
        list={list}
        label="Loading the deliveries"
        count={deliveries.length}
        empty={
          <EmptyState title={status === "all" ? "Nothing was delivered yet" : "None"}>
            {status === "all"
              ? "Deliveries of the last seven days stand here. A test event shows whether your program listens."
              : "No delivery of the last seven days is in this state."}
          </EmptyState>
        }
      >
        <DataTable
          caption="Deliveries"
          columns={columnsFor({ applicationId, endpointId, status, disabled })}
          rows={deliveries}
          rowKey={({ eventId }) => eventId}
          linked
        />
      </PagedList>
      <DeliveryPanel
        endpointId={endpointId}
        eventId={event ?? null}
        canRedeliver={canManage && !disabled}
        disabled={disabled}
        onClose={closePanel}
      />
    </section>
  );
}

const columnsFor = (place: {
  applicationId: string;
  endpointId: string;
  status: DeliveryFilter;
  disabled: boolean;
}): Column<WebhookDelivery>[] => [
  {
    key: "event",
    header: "Event",
    onPhone: "lead",
    cell: ({ eventId, name }) => (
      <div className={classes.eventCell}>
        <Link
          to={paths.webhook}
          params={{ applicationId: place.applicationId, endpointId: place.endpointId }}
          search={{ ...(place.status === "all" ? {} : { status: place.status }), event: eventId }}
          state={openedOverPage}
          resetScroll={false}
          data-row-link
        >
          <Mono>{name}</Mono>
        </Link>
        <span className={classes.soft}>
          <Mono>{eventId}</Mono>
        </span>
      </div>
    ),
  },
  { key: "state", header: "State", cell: ({ state }) => <DeliveryBadge state={state} /> },
  { key: "answer", header: "Answer", cell: ({ lastAttempt }) => answerWords(lastAttempt) },
  { key: "tries", header: "Tries", align: "right", cell: ({ attemptCount }) => attemptCount },
  { key: "at", header: "Happened", cell: ({ createdAt }) => <RelativeTime instant={createdAt} /> },
  {
    key: "next",
    header: "Next try",
    cell: ({ nextAt, state }) => {
      if (nextAt === null) return null;
      if (place.disabled) return "Once it is enabled";
      return state === "retrying" ? <ComingTime instant={nextAt} /> : null;
    },
  },
];

/** "200 in 84 ms", or why there was none. */
function answerWords(attempt: WebhookDelivery["lastAttempt"]): string | null {
  if (attempt === null) return null;
  if (attempt.status === null && attempt.error !== null) return attempt.error.replace(/\.$/, "");
  return `${attempt.status ?? "No answer"} in ${attempt.durationMs.toLocaleString("en-IN")} ms`;
}
