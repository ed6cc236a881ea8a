import type { WebhookEndpoint } from "@fusion/contract/webhooks.ts";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { LinkButton } from "../../ui/link-button.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { ErrorState, StaleSign } from "../../ui/states.tsx";
import { deliveryListQuery, webhookListQuery } from "./webhook-queries.ts";
import classes from "./webhooks.module.css";

/** The state of an application's webhooks in one sentence, and the link to them. */
export function WebhookSection({ applicationId }: { applicationId: string }): ReactElement {
  const list = useQuery(webhookListQuery(applicationId));
  return (
    <section aria-labelledby="webhooks-heading" className={classes.section}>
      <div>
        <h2 id="webhooks-heading">Webhooks</h2>
        {list.isLoadingError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : (
          <p className={classes.soft}>{list.data ? sentence(list.data.endpoints) : "…"}</p>
        )}
        <ul className={classes.soft} aria-label="Why deliveries fail">
          {list.data?.endpoints.filter(isFailing).map((endpoint) => (
            <LastFailure key={endpoint.endpointId} applicationId={applicationId} of={endpoint} />
          ))}
        </ul>
        <StaleSign of={list} />
      </div>
      <LinkButton to={paths.webhooks} params={{ applicationId }} variant="default">
        Open webhooks
      </LinkButton>
    </section>
  );
}

/** Why the last attempt failed, if that is known: deliveries are kept for seven days. */
function LastFailure(props: { applicationId: string; of: WebhookEndpoint }): ReactElement | null {
  const { endpointId, url } = props.of;
  const { data } = useInfiniteQuery(deliveryListQuery(endpointId, "all"));
  const last = data?.pages
    .flatMap((page) => page.deliveries)
    .flatMap(({ lastAttempt }) => (lastAttempt !== null && lastAttempt.error !== null ? [lastAttempt] : []))
    .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
  if (last === undefined) return null;
  return (
    <li>
      <Link to={paths.webhook} params={{ applicationId: props.applicationId, endpointId }}>
        {new URL(url).host}
      </Link>
      , <RelativeTime instant={last.at} />: {last.error}
    </li>
  );
}

function isFailing({ failingSince, disabledBecause }: WebhookEndpoint): boolean {
  return failingSince !== null || disabledBecause === "failing";
}

function sentence(endpoints: readonly WebhookEndpoint[]): string {
  if (endpoints.length === 0) return "No program is told of transfers and cards as they happen.";
  const failing = endpoints.filter(isFailing);
  const trouble = failing.length > 0;
  if (endpoints.length === 1)
    return `One endpoint is told of what happens${trouble ? ", and does not take it" : ""}.`;
  const all = `${endpoints.length} endpoints are told of what happens`;
  if (!trouble) return `${all}.`;
  if (failing.length === endpoints.length) return `${all}, and none takes it.`;
  return `${all}; ${failing.length === 1 ? "one does" : `${failing.length} do`} not take it.`;
}
