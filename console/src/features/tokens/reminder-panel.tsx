import type { TokenReminders } from "@fusion/contract/reminders.ts";
import type { TokenDetails } from "@fusion/contract/tokens.ts";
import { Button, Switch } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type ReactElement, useState } from "react";
import { readableAddress } from "../../lib/address.ts";
import { problemWords } from "../../lib/api.ts";
import { paths } from "../../lib/paths.ts";
import { isOperator, useSession } from "../../lib/session.ts";
import { formatDay } from "../../lib/time.ts";
import { DeliveryBadge } from "../../ui/delivery-badge.tsx";
import { useFocusWhenLost } from "../../ui/focus.ts";
import { ExactTime } from "../../ui/relative-time.tsx";
import { StatusBadge, type Tone } from "../../ui/status-badge.tsx";
import { isLive } from "./token-badge.tsx";
import { useAcknowledgement, useSubscription, useTestReminder } from "./token-queries.ts";
import classes from "./tokens.module.css";

const stoppedWords = {
  renewed: "None will follow: the token was renewed.",
  revoked: "None will follow: the token was revoked.",
  nobody_subscribed: "None will follow: nobody asked to be reminded.",
  ended: "None will follow: the token has ended.",
} as const satisfies Record<NonNullable<TokenReminders["stopped"]>, string>;

const stateWords = {
  planned: ["soon", "Planned"],
  sent: ["good", "Sent"],
  failed: ["urgent", "Failed"],
  missed: ["urgent", "Missed"],
  cancelled: ["ended", "Cancelled"],
  acknowledged: ["ended", "Acknowledged"],
} as const satisfies Record<TokenReminders["reminders"][number]["state"], readonly [Tone, string]>;

const kindWords = {
  expiry: "",
  cutover: "Cut-over warning, ",
  test: "Test, ",
} as const satisfies Record<TokenReminders["reminders"][number]["kind"], string>;

/** The switch for one's own reminders, who is reminded, when next, what was sent, and a test. */
export function ReminderPanel(props: {
  token: TokenDetails;
  reminders: TokenReminders | undefined;
}): ReactElement {
  const { token, reminders } = props;
  const operator = isOperator(useSession());
  const subscription = useSubscription(token.tokenId);
  // The switch shows what was asked for until the answer comes, and then what is so.
  const subscribed = subscription.isPending ? subscription.variables : token.subscribed;
  const over = reminders?.stopped === "revoked" || reminders?.stopped === "ended";
  return (
    <div className={classes.stack}>
      {!over && operator && <p>{subscriberWords(token.subscribers)}</p>}
      {!over && !operator && (
        <Switch
          label="Expiry reminders"
          description="Remind me daily, from 15 days before it ends until it is renewed."
          checked={subscribed}
          disabled={!isLive(token) && !token.subscribed}
          onChange={(event) => subscription.mutate(event.currentTarget.checked)}
        />
      )}
      {subscription.isError && (
        <p role="alert" className={classes.problem}>
          {problemWords(subscription.error)}
        </p>
      )}
      {reminders && (
        <>
          <p>
            {reminders.nextAt ? (
              <>
                Next <ExactTime instant={reminders.nextAt} />
                {reminders.nextKind === "cutover" &&
                  ", if programs have not moved to the replacement by then"}
                {recipientWords(reminders)}
              </>
            ) : reminders.stopped ? (
              stoppedWords[reminders.stopped]
            ) : (
              "None is planned."
            )}
          </p>
          {reminders.acknowledgeable && <Acknowledge tokenId={token.tokenId} />}
          {!over && <SendTest tokenId={token.tokenId} />}
          {reminders.reminders.length + reminders.webhooks.length > 0 && (
            <SentReminders reminders={reminders} applicationId={token.applicationId} />
          )}
        </>
      )}
    </div>
  );
}

/** For the Fusion team, whom nobody reminds. */
function subscriberWords(subscribers: number): string {
  if (subscribers === 0) return "Nobody of the fintech asked to be reminded of its end.";
  return subscribers === 1
    ? "One person of the fintech asked to be reminded of its end."
    : `${subscribers} people of the fintech asked to be reminded of its end.`;
}

/** For somebody who was told today and wants to hear no more of it before tomorrow. */
function Acknowledge({ tokenId }: { tokenId: string }): ReactElement {
  const acknowledgement = useAcknowledgement(tokenId);
  return (
    <div>
      <Button
        variant="default"
        size="xs"
        loading={acknowledgement.isPending}
        onClick={() => acknowledgement.mutate()}
      >
        I know
      </Button>
      <p className={classes.soft}>
        What was not sent to you of this today will not be. You hear of it again tomorrow, until it is
        renewed.
      </p>
      {acknowledgement.isError && (
        <p role="alert" className={classes.problem}>
          {problemWords(acknowledgement.error)}
        </p>
      )}
    </div>
  );
}

/** How long the server refuses another test. A second click would replace the outcome of the first with that refusal. */
const testPauseMs = 60_000;

/** Sends the person what a reminder would say now. The Fusion team gets no reminders, so it has nothing to test. */
function SendTest({ tokenId }: { tokenId: string }): ReactElement | null {
  const session = useSession();
  const test = useTestReminder(tokenId);
  // Set by the click itself: the pending request is rendered too late to stop the second half of a double click.
  const [held, setHeld] = useState(false);
  // After a success the button is disabled for a minute, so the message takes the focus. After a refusal the button can.
  const message = useFocusWhenLost<HTMLDivElement>(test.isSuccess);
  const button = useFocusWhenLost<HTMLButtonElement>(test.isError && !held);
  if (isOperator(session)) return null;
  return (
    <div>
      <Button
        ref={button}
        variant="default"
        size="xs"
        loading={test.isPending}
        disabled={held}
        onClick={() => {
          setHeld(true);
          test.mutate(undefined, {
            onSuccess: () => setTimeout(() => setHeld(false), testPauseMs),
            onError: () => setHeld(false),
          });
        }}
      >
        Send me a test
      </Button>
      <div ref={message} role="status" tabIndex={-1} className={`${classes.soft} ${classes.told}`}>
        {test.data &&
          (test.data.to.length === 0
            ? "Nothing was sent: you have no address that reminders reach."
            : `On its way to ${test.data.to.map(({ address }) => readableAddress(address)).join(" and ")}.`)}
      </div>
      {test.isError && (
        <p role="alert" className={classes.problem}>
          {problemWords(test.error)}
        </p>
      )}
    </div>
  );
}

function recipientWords({ recipients, fallback }: TokenReminders): string {
  if (recipients.length === 0) return ". Nobody would hear of it: no subscriber and no admin can be reached.";
  const names = recipients.map(({ name, you }) => (you ? "you" : name)).join(", ");
  return fallback
    ? `, to the admins (${names}): nobody who asked to be reminded can be reached.`
    : `, to ${names}.`;
}

/** What people and webhooks were told or are to be told, latest day first. */
function SentReminders(props: { reminders: TokenReminders; applicationId: string }): ReactElement {
  const { reminders, applicationId } = props;
  const rows = [
    ...reminders.reminders.map((reminder) => ({
      localDay: reminder.localDay,
      row: (
        <ToPerson
          key={`${reminder.plannedFor} ${reminder.kind} ${reminder.channel} ${reminder.recipient}`}
          reminder={reminder}
        />
      ),
    })),
    ...reminders.webhooks.map((delivery) => ({
      localDay: delivery.localDay,
      row: (
        <ToWebhook
          key={`${delivery.eventId} ${delivery.endpointId}`}
          delivery={delivery}
          applicationId={applicationId}
        />
      ),
    })),
  ].sort((left, right) => (left.localDay < right.localDay ? 1 : left.localDay > right.localDay ? -1 : 0));
  return (
    <ul className={classes.sent} aria-label="Reminders">
      {rows.map(({ row }) => row)}
    </ul>
  );
}

function ToPerson({ reminder }: { reminder: TokenReminders["reminders"][number] }): ReactElement {
  const [tone, words] = stateWords[reminder.state];
  return (
    <li>
      <span className="figures">{formatDay(reminder.localDay)}</span>
      <span className={classes.soft}>
        {kindWords[reminder.kind]}
        {reminder.channel === "sms" ? "SMS" : "email"} to {reminder.recipient}
        {reminder.kind === "test" && reminder.answer !== null && `: ${reminder.answer}`}
        {reminder.error !== null && `: ${reminder.error}`}
        {reminder.acknowledged !== null && (
          <>
            . {reminder.acknowledged.by} knew of it at <ExactTime instant={reminder.acknowledged.at} />
          </>
        )}
      </span>
      <StatusBadge tone={tone}>{words}</StatusBadge>
    </li>
  );
}

function ToWebhook(props: {
  delivery: TokenReminders["webhooks"][number];
  applicationId: string;
}): ReactElement {
  const { delivery, applicationId } = props;
  const { endpointId, eventId } = delivery;
  return (
    <li>
      <span className="figures">{formatDay(delivery.localDay)}</span>
      <span className={classes.soft}>
        {kindWords[delivery.kind]}webhook to{" "}
        <Link to={paths.webhook} params={{ applicationId, endpointId }} search={{ event: eventId }}>
          {delivery.url}
        </Link>
      </span>
      <DeliveryBadge state={delivery.state} />
    </li>
  );
}
