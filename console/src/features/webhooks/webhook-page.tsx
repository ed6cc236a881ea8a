import type { AuditActionOn } from "@fusion/contract/audit-actions.ts";
import type { WebhookEndpointDetails } from "@fusion/contract/webhooks.ts";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type ReactElement, type ReactNode, useState } from "react";
import { isMissing, problemWords } from "../../lib/api.ts";
import { applicationQuery } from "../../lib/application-query.ts";
import { paths } from "../../lib/paths.ts";
import { useShown } from "../../lib/use-shown.ts";
import { Breadcrumb } from "../../ui/breadcrumb.tsx";
import { ConfirmToaster } from "../../ui/confirm-toaster.tsx";
import { EnvironmentBadge, EnvironmentRule } from "../../ui/environment-badge.tsx";
import { Fact, Facts } from "../../ui/facts.tsx";
import { useFocusWhenLost } from "../../ui/focus.ts";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { ExactTime, RelativeTime } from "../../ui/relative-time.tsx";
import { ErrorState, PageSkeleton, StaleSign } from "../../ui/states.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { DeliveryLog } from "./delivery-log.tsx";
import { EditDialog } from "./edit-dialog.tsx";
import { EndpointBadge } from "./endpoint-badge.tsx";
import { RotateDialog } from "./rotate-dialog.tsx";
import {
  useDelete,
  useRefreshWebhooks,
  useSendTest,
  useSetEnabled,
  webhookQuery,
} from "./webhook-queries.ts";
import classes from "./webhooks.module.css";

/** One endpoint: its state, what was delivered to it, and what people did to it. */
export function WebhookPage(): ReactElement {
  const { applicationId, endpointId } = useParams({ from: `/frame${paths.webhook}` });
  const query = useQuery(webhookQuery(endpointId));
  const { error, isPending, refetch } = query;
  const data = useShown(query);
  const fintechName = useQuery(applicationQuery(applicationId)).data?.fintechName;
  const above = (
    <Breadcrumb fintechName={fintechName}>
      <Link to={paths.webhooks} params={{ applicationId }}>
        Webhooks{data ? ` of ${data.application.name}` : ""}
      </Link>
    </Breadcrumb>
  );
  if (isPending) return <PageSkeleton label="Loading the endpoint" />;
  if (data === undefined) {
    return isMissing(error) ? (
      <PageHeader
        title="There is no such endpoint"
        above={above}
        lead="The address may be mistyped, the endpoint may be deleted, or you have no access to its application."
      />
    ) : (
      <>
        <PageHeader title="Webhook" above={above} />
        <ErrorState error={error} onRetry={() => void refetch()} />
      </>
    );
  }
  return <Endpoint key={endpointId} details={data} above={above} stale={<StaleSign of={query} />} />;
}

function Endpoint(props: {
  details: WebhookEndpointDetails;
  above: ReactNode;
  stale: ReactNode;
}): ReactElement {
  const { details, above, stale } = props;
  const { endpoint, application, canManage } = details;
  const [open, setOpen] = useState<"edit" | "rotate">();
  return (
    <>
      <EnvironmentRule environment={application.environment} />
      <PageHeader
        title={new URL(endpoint.url).host}
        tab={`webhook, ${application.environment}`}
        above={above}
        badges={
          <>
            <EnvironmentBadge environment={application.environment} />
            <EndpointBadge endpoint={endpoint} />
            {stale}
          </>
        }
        lead={<Mono>{endpoint.url}</Mono>}
        actions={canManage && <Actions details={details} onOpen={setOpen} />}
      />
      <Trouble details={details} />
      <Facts>
        <Fact name="Events">
          {endpoint.events.map((name) => (
            <Mono key={name}>{name}</Mono>
          ))}
        </Fact>
        <Fact name="Added">
          <ExactTime instant={endpoint.createdAt} />
          <span className={classes.soft}>{endpoint.createdBy}</span>
        </Fact>
        <Fact name="Secret">
          {endpoint.previousSecretEndsAt === null ? (
            "Kept sealed; shown once"
          ) : (
            <>
              Two secrets sign
              <span className={classes.soft}>
                the older until <ExactTime instant={endpoint.previousSecretEndsAt} />
              </span>
            </>
          )}
        </Fact>
      </Facts>
      <DeliveryLog endpoint={endpoint} canManage={canManage} />
      <section aria-labelledby="history-heading" className={classes.block}>
        <h2 id="history-heading">History</h2>
        <ul className={classes.history}>
          {details.history.map(({ at, action, by }) => (
            <li key={`${at} ${action}`}>
              {wordsOf(action)} <span className={classes.soft}>by {by}, </span>
              <RelativeTime instant={at} />
            </li>
          ))}
        </ul>
      </section>
      {open === "edit" && <EditDialog details={details} onClose={() => setOpen(undefined)} />}
      {open === "rotate" && <RotateDialog endpoint={endpoint} onClose={() => setOpen(undefined)} />}
    </>
  );
}

const actionWords: Readonly<Record<AuditActionOn<"webhook-endpoint">, string>> = {
  "webhook-endpoint.added": "Added",
  "webhook-endpoint.edited": "Edited",
  "webhook-endpoint.secret-rotated": "Secret rotated",
  "webhook-endpoint.enabled": "Enabled",
  "webhook-endpoint.disabled": "Disabled",
  "webhook-endpoint.redelivered": "An event delivered again",
  "webhook-endpoint.deleted": "Deleted",
};

/** The words for an action; its own name when it is newer than this page. */
function wordsOf(action: string): string {
  const known: Readonly<Record<string, string | undefined>> = actionWords;
  return known[action] ?? action;
}

/** Says why nothing arrives, if so, and what to do. */
function Trouble({
  details: { endpoint, canManage },
}: {
  details: WebhookEndpointDetails;
}): ReactElement | null {
  const { disabledAt, disabledBecause, failingSince } = endpoint;
  if (disabledAt === null && failingSince === null) return null;
  return (
    <p className={classes.trouble} data-urgent={disabledBecause !== "person"}>
      {disabledAt === null && failingSince !== null ? (
        <>
          Every delivery has failed since <ExactTime instant={failingSince} />. Each is tried again for two
          days; after three days of failures the endpoint is disabled.
        </>
      ) : (
        <>
          Nothing is sent, and what happens meanwhile is not kept for it, since{" "}
          <ExactTime instant={disabledAt ?? ""} />.{" "}
          {disabledBecause === "failing" && "Every delivery had failed for three days. "}
          {disabledBecause === "gone" && "It answered 410 Gone, that it wants no more. "}
          {canManage && "Enable it once the program listens."}
        </>
      )}
    </p>
  );
}

function Actions(props: {
  details: WebhookEndpointDetails;
  onOpen: (dialog: "edit" | "rotate") => void;
}): ReactElement {
  const { endpoint, application } = props.details;
  const { endpointId } = endpoint;
  const toast = useToast();
  const navigate = useNavigate();
  const refresh = useRefreshWebhooks();
  const test = useSendTest(endpointId);
  const testButton = useFocusWhenLost<HTMLButtonElement>(test.isSuccess || test.isError);
  const enabling = useSetEnabled(endpointId);
  const deletion = useDelete(endpointId);
  const [asking, setAsking] = useState<"delete" | "disable">();
  const stop = (): void => setAsking(undefined);
  const disabled = endpoint.disabledAt !== null;
  const { host } = new URL(endpoint.url);
  const problem = test.error ?? (asking === "disable" ? null : enabling.error);
  return (
    <>
      <Button variant="subtle" color="urgent" onClick={() => setAsking("delete")}>
        Delete
      </Button>
      <Button
        variant="default"
        loading={enabling.isPending}
        onClick={() => {
          enabling.reset();
          if (disabled) enabling.mutate(true);
          else setAsking("disable");
        }}
      >
        {disabled ? "Enable" : "Disable"}
      </Button>
      <Button variant="default" onClick={() => props.onOpen("edit")}>
        Edit
      </Button>
      <Button variant="default" onClick={() => props.onOpen("rotate")}>
        Rotate secret
      </Button>
      <Button
        ref={testButton}
        loading={test.isPending}
        disabled={disabled}
        onClick={() => test.mutate(null, { onSuccess: () => toast("A test event is on its way.") })}
      >
        Send a test event
      </Button>
      {problem !== null && (
        <p role="alert" className={classes.problem}>
          {problemWords(problem)}
        </p>
      )}
      <ConfirmToaster
        opened={asking === "disable"}
        title={`Disable the endpoint at ${host}?`}
        confirmLabel="Disable"
        pending={enabling.isPending}
        error={enabling.error}
        onConfirm={() => enabling.mutate(false, { onSuccess: stop })}
        onCancel={stop}
      >
        <p>
          Nothing is sent to it until it is enabled again, and what happens meanwhile is not kept for it:
          those events are lost to it.
        </p>
      </ConfirmToaster>
      <ConfirmToaster
        opened={asking === "delete"}
        title={`Delete the endpoint at ${host}?`}
        confirmLabel="Delete"
        pending={deletion.isPending}
        error={deletion.error}
        onConfirm={() =>
          deletion.mutate(null, {
            onSuccess: () => {
              toast("The endpoint is deleted.");
              void navigate({
                to: paths.webhooks,
                params: { applicationId: application.applicationId },
              }).then(refresh);
            },
          })
        }
        onCancel={stop}
      >
        <p>
          Nothing is sent to it any more, what is waiting for it neither, and its delivery log goes. This is
          final.
        </p>
      </ConfirmToaster>
    </>
  );
}
