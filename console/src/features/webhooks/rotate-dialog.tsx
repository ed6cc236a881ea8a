import type { RotateWebhookSecret, WebhookEndpoint } from "@fusion/contract/webhooks.ts";
import { Button, Radio } from "@mantine/core";
import { type FormEvent, type ReactElement, useState } from "react";
import { FormProblem, useFocusAfterRefusal } from "../../ui/form-problem.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { rotateSecret } from "./webhook-queries.ts";
import { type SecretForm, WebhookSecretDialog } from "./webhook-secret-dialog.tsx";
import classes from "./webhooks.module.css";

const overlaps = [
  [24, "For 24 hours", "Deliveries carry both signatures, so that your program can change over meanwhile."],
  [1, "For 1 hour", ""],
  [168, "For 7 days", ""],
  [0, "Not at all", "When somebody else may know it. Deliveries fail until your program has the new one."],
] as const satisfies readonly (readonly [RotateWebhookSecret["overlapHours"], string, string])[];

/** "Rotate secret", from the overlap to the new secret. */
export function RotateDialog(props: { endpoint: WebhookEndpoint; onClose: () => void }): ReactElement {
  const { endpointId, previousSecretEndsAt } = props.endpoint;
  return (
    <WebhookSecretDialog<RotateWebhookSecret>
      title="Rotate secret"
      doing="Rotating the secret"
      make={(input) => rotateSecret(endpointId, input)}
      form={(form) => <RotateForm {...form} during={previousSecretEndsAt} />}
      onClose={props.onClose}
    />
  );
}

/**
 * `during`: until when two secrets sign, if a rotation is under way. Another rotation then replaces the newer of them, and the older goes
 * on signing.
 */
function RotateForm({
  pending,
  problem,
  onSubmit,
  onCancel,
  during,
}: SecretForm<RotateWebhookSecret> & { during: string | null }): ReactElement {
  const [hours, setHours] = useState<RotateWebhookSecret["overlapHours"]>(24);

  const form = useFocusAfterRefusal(problem);

  function submit(event: FormEvent): void {
    event.preventDefault();
    onSubmit({ overlapHours: hours });
  }

  return (
    <form ref={form} onSubmit={submit} className={classes.stack}>
      {during !== null && (
        <p>
          Two secrets sign until <ExactTime instant={during} />: a rotation is under way. This one replaces
          the newer of them at once, and the older is the one that goes on.
        </p>
      )}
      <Radio.Group
        label={`${during === null ? "The present" : "The older"} secret goes on signing`}
        value={String(hours)}
        onChange={(chosen) => setHours(overlaps.find(([value]) => String(value) === chosen)?.[0] ?? 24)}
        className={classes.options}
      >
        {overlaps.map(([value, words, consequence]) => (
          <Radio
            key={value}
            value={String(value)}
            label={words}
            {...(consequence === "" ? {} : { description: consequence })}
          />
        ))}
      </Radio.Group>
      {problem !== null && <FormProblem problem={problem} />}
      <div className={classes.actions}>
        <Button variant="default" onClick={onCancel} disabled={pending}>
          Cancel
        </Button>
        <Button type="submit" loading={pending}>
          Rotate secret
        </Button>
      </div>
    </form>
  );
}
