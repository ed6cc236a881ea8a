import { endpointsMax, type WebhookEndpoint, type WebhookEndpointList } from "@fusion/contract/webhooks.ts";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import type { ReactElement } from "react";
import { isMissing } from "../../lib/api.ts";
import { applicationQuery } from "../../lib/application-query.ts";
import { openedOverPage, useCloseDialog, useDialogOpen } from "../../lib/dialog-entry.ts";
import { paths } from "../../lib/paths.ts";
import { useShown } from "../../lib/use-shown.ts";
import { Breadcrumb } from "../../ui/breadcrumb.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { EnvironmentBadge, EnvironmentRule } from "../../ui/environment-badge.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { EmptyState, ErrorState, PageSkeleton, StaleSign } from "../../ui/states.tsx";
import { AddDialog } from "./add-dialog.tsx";
import { EndpointBadge } from "./endpoint-badge.tsx";
import { webhookListQuery } from "./webhook-queries.ts";
import classes from "./webhooks.module.css";

/** The endpoints of an application. `?add=1` has the dialog open. */
export function WebhookListPage(): ReactElement {
  const { applicationId } = useParams({ from: `/frame${paths.webhooks}` });
  const { data: application } = useQuery(applicationQuery(applicationId));
  const query = useQuery(webhookListQuery(applicationId));
  const { error, isPending, refetch } = query;
  const data = useShown(query);
  const above = (
    <Breadcrumb fintechName={application?.fintechName}>
      <Link to={paths.application} params={{ applicationId }}>
        {application?.name ?? "Application"}
      </Link>
    </Breadcrumb>
  );
  if (isPending) return <PageSkeleton label="Loading the webhooks" />;
  if (data === undefined) {
    return isMissing(error) ? (
      <PageHeader
        title="There is no such application"
        above={<Link to={paths.tokenManagement}>Token Management</Link>}
        lead="The address may be mistyped, or you have no access to it."
      />
    ) : (
      <>
        <PageHeader title="Webhooks" above={above} />
        <ErrorState error={error} onRetry={() => void refetch()} />
      </>
    );
  }
  return <Endpoints list={data} above={above} stale={<StaleSign of={query} />} />;
}

function Endpoints(props: {
  list: WebhookEndpointList;
  above: ReactElement;
  stale: ReactElement;
}): ReactElement {
  const { list, above, stale } = props;
  const { applicationId, environment, canManage, endpoints } = list;
  const { add } = useSearch({ from: `/frame${paths.webhooks}` });
  const navigate = useNavigate({ from: paths.webhooks });
  const closeDialog = useCloseDialog(() => void navigate({ search: {}, replace: true, resetScroll: false }));
  const adding = useDialogOpen(add === 1, canManage);
  const full = endpoints.length >= endpointsMax;
  const addButton = canManage && (
    <Button
      leftSection={<Plus size={16} aria-hidden />}
      disabled={full}
      onClick={() => void navigate({ search: { add: 1 }, state: openedOverPage, resetScroll: false })}
    >
      Add endpoint
    </Button>
  );
  return (
    <>
      <EnvironmentRule environment={environment} />
      <PageHeader
        title="Webhooks"
        tab={environment}
        above={above}
        badges={
          <>
            <EnvironmentBadge environment={environment} />
            {stale}
          </>
        }
        lead="Programs of yours that are told when money moves and instruments change, by a signed POST."
        actions={endpoints.length > 0 && addButton}
      />
      {full && (
        <p className={classes.soft}>
          There are {endpointsMax} endpoints, as many as an application may have.
        </p>
      )}
      {endpoints.length === 0 ? (
        <EmptyState title="No endpoint yet" action={addButton}>
          {canManage
            ? "Add the address of a program of yours. It gets a secret with which it can tell that a call is ours."
            : "People who may manage this application can add one."}
        </EmptyState>
      ) : (
        <DataTable
          caption="Webhook endpoints"
          columns={columnsFor(applicationId)}
          rows={endpoints}
          rowKey={({ endpointId }) => endpointId}
          linked
        />
      )}
      {adding && <AddDialog applicationId={applicationId} environment={environment} onClose={closeDialog} />}
    </>
  );
}

const columnsFor = (applicationId: string): Column<WebhookEndpoint>[] => [
  {
    key: "url",
    header: "Address",
    onPhone: "lead",
    cell: ({ endpointId, url }) => (
      <Link
        to={paths.webhook}
        params={{ applicationId, endpointId }}
        data-row-link
        className={classes.address}
      >
        <Mono>{url}</Mono>
      </Link>
    ),
  },
  { key: "state", header: "State", cell: (endpoint) => <EndpointBadge endpoint={endpoint} /> },
  {
    key: "events",
    header: "Events",
    cell: ({ events }) => (
      <ul className={classes.names}>
        {events.map((name) => (
          <li key={name}>
            <Mono>{name}</Mono>
          </li>
        ))}
      </ul>
    ),
  },
  {
    key: "added",
    header: "Added",
    cell: ({ createdAt, createdBy }) => (
      <>
        <RelativeTime instant={createdAt} /> <span className={classes.soft}>by {createdBy}</span>
      </>
    ),
  },
];
