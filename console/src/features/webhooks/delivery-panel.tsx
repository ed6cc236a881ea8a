import type { DeliveryAttempt, WebhookDeliveryDetails } from "@fusion/contract/webhooks.ts";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactElement, useRef } from "react";
import { problemWords } from "../../lib/api.ts";
import { formatDay, formatExactTime, localDay } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { useShown } from "../../lib/use-shown.ts";
import { DeliveryBadge } from "../../ui/delivery-badge.tsx";
import { Mono } from "../../ui/mono.tsx";
import { ComingTime, ExactTime } from "../../ui/relative-time.tsx";
import { SidePanel } from "../../ui/side-panel.tsx";
import { ErrorState, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { deliveryQuery, useRedeliver } from "./webhook-queries.ts";
import classes from "./webhooks.module.css";

interface DeliveryPanelProps {
  readonly endpointId: string;
  /** Null: closed. */
  readonly eventId: string | null;
  readonly canRedeliver: boolean;
  /** Whether the endpoint is: nothing is tried then. */
  readonly disabled: boolean;
  readonly onClose: () => void;
}

/** One delivery: what was sent, what came back each time, and "Redeliver". */
export function DeliveryPanel({
  endpointId,
  eventId,
  canRedeliver,
  disabled,
  onClose,
}: DeliveryPanelProps): ReactElement {
  // While it closes, the panel still shows its last delivery.
  const last = useRef(eventId);
  last.current = eventId ?? last.current;
  const shown = last.current;
  const query = useQuery({
    ...deliveryQuery(endpointId, shown ?? ""),
    enabled: shown !== null,
  });
  const { error, refetch } = query;
  const data = useShown(query);
  return (
    <SidePanel opened={eventId !== null} title={data?.name ?? "Delivery"} onClose={onClose}>
      {data ? (
        <>
          <StaleSign of={query} />
          <Delivery endpointId={endpointId} delivery={data} canRedeliver={canRedeliver} disabled={disabled} />
        </>
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <RowsSkeleton label="Loading the delivery" rows={3} />
      )}
    </SidePanel>
  );
}

function Delivery(props: {
  endpointId: string;
  delivery: WebhookDeliveryDetails;
  canRedeliver: boolean;
  disabled: boolean;
}): ReactElement {
  const { endpointId, delivery, canRedeliver, disabled } = props;
  const toast = useToast();
  const redelivery = useRedeliver(endpointId);
  return (
    <div className={classes.stack}>
      <p className={classes.state}>
        <DeliveryBadge state={delivery.state} />
        {delivery.state === "retrying" && delivery.nextAt !== null && (
          <span>Next try {disabled ? "once it is enabled" : <ComingTime instant={delivery.nextAt} />}</span>
        )}
        {delivery.deliveredAt !== null && <ExactTime instant={delivery.deliveredAt} />}
      </p>
      <p className={classes.soft}>
        <Mono>{delivery.eventId}</Mono>, the same in <code>webhook-id</code> at every try
      </p>
      {canRedeliver && (
        <div>
          <Button
            variant="default"
            loading={redelivery.isPending}
            disabled={delivery.state === "waiting"}
            onClick={() =>
              redelivery.mutate(delivery.eventId, {
                onSuccess: () => toast("The event is on its way again."),
              })
            }
          >
            Redeliver
          </Button>
        </div>
      )}
      {redelivery.isError && (
        <p role="alert" className={classes.problem}>
          {problemWords(redelivery.error)}
        </p>
      )}
      <section aria-labelledby="tries-heading" className={classes.stack}>
        <h3 id="tries-heading">Tries</h3>
        {delivery.attempts.length === 0 ? (
          <p className={classes.soft}>
            None yet. It is tried {disabled ? "once the endpoint is enabled" : "within a second"}.
          </p>
        ) : (
          <ol className={classes.attempts} reversed>
            {delivery.attempts.toReversed().map((attempt) => (
              <Attempt key={attempt.at} attempt={attempt} />
            ))}
          </ol>
        )}
      </section>
      <section aria-labelledby="body-heading" className={classes.stack}>
        <h3 id="body-heading">What is sent</h3>
        {delivery.body === null ? (
          <p className={classes.soft}>
            What was sent, and what the receiver answered, is shown to the fintech alone.
          </p>
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
          <pre className={classes.body} tabIndex={0}>
            {readable(delivery.body)}
          </pre>
        )}
      </section>
    </div>
  );
}

function Attempt({ attempt }: { attempt: DeliveryAttempt }): ReactElement {
  const timeZone = useTimeZone();
  return (
    <li>
      <p className={classes.attemptHead}>
        <strong>{attempt.status ?? "No answer"}</strong>
        <span className={classes.soft}>in {attempt.durationMs.toLocaleString("en-IN")} ms</span>
        <time dateTime={attempt.at}>
          {formatDay(localDay(attempt.at, timeZone))}, {formatExactTime(attempt.at, timeZone)}
        </time>
      </p>
      {attempt.error !== null && attempt.status === null && <p>{attempt.error}</p>}
      {attempt.response !== null && attempt.response !== "" && (
        <p className={classes.response}>
          <Mono>{attempt.response}</Mono>
        </p>
      )}
    </li>
  );
}

/** The body with line breaks, for people. */
function readable(body: string): string {
  return JSON.stringify(JSON.parse(body), null, 2);
}
