import type { WebhookEndpoint } from "@fusion/contract/webhooks.ts";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { LinkButton } from "../../ui/link-button.tsx";
import { ErrorState, StaleSign } from "../../ui/states.tsx";
import { webhookListQuery } from "./webhook-queries.ts";
import classes from "./webhooks.module.css";

/** On an application's page: how its webhooks are, in a sentence, and the way to them. */
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
        <StaleSign of={list} />
      </div>
      <LinkButton to={paths.webhooks} params={{ applicationId }} variant="default">
        Open webhooks
      </LinkButton>
    </section>
  );
}

function sentence(endpoints: readonly WebhookEndpoint[]): string {
  if (endpoints.length === 0) return "No program is told of transfers and cards as they happen.";
  const failing = endpoints.filter(
    ({ failingSince, disabledBecause }) => failingSince || disabledBecause === "failing",
  );
  const trouble = failing.length > 0;
  if (endpoints.length === 1)
    return `One endpoint is told of what happens${trouble ? ", and does not take it" : ""}.`;
  const all = `${endpoints.length} endpoints are told of what happens`;
  if (!trouble) return `${all}.`;
  if (failing.length === endpoints.length) return `${all}, and none takes it.`;
  return `${all}; ${failing.length === 1 ? "one does" : `${failing.length} do`} not take it.`;
}
