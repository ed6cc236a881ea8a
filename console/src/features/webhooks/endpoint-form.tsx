import type { Environment } from "@fusion/contract/primitives.ts";
import { EventName, eventWords, type WebhookEndpointSettings } from "@fusion/contract/webhooks.ts";
import { Button, Checkbox, TextInput } from "@mantine/core";
import { type FormEvent, type ReactElement, useState } from "react";
import { ApiProblem } from "../../lib/api.ts";
import { FormProblem, useFocusAfterRefusal } from "../../ui/form-problem.tsx";
import { Mono } from "../../ui/mono.tsx";
import type { SecretForm } from "./webhook-secret-dialog.tsx";
import classes from "./webhooks.module.css";

/** An endpoint's address and the events that it wants. */
export function EndpointForm(
  props: SecretForm<WebhookEndpointSettings> & {
    environment: Environment;
    present: WebhookEndpointSettings;
    submitLabel: string;
  },
): ReactElement {
  const { pending, problem, onSubmit, onCancel } = props;
  const [url, setUrl] = useState(props.present.url);
  const [events, setEvents] = useState<readonly EventName[]>(props.present.events);
  const refusal = problem instanceof ApiProblem ? problem : undefined;
  const form = useFocusAfterRefusal(problem);
  const urlProblem = refusal?.fieldError("/url");

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (url.trim() !== "" && events.length > 0) onSubmit({ url: url.trim(), events: [...events] });
  }

  return (
    <form ref={form} onSubmit={submit} className={classes.stack} noValidate>
      <TextInput
        label="Address"
        description={`Where your program listens. It hears of all money and instruments in your ${props.environment} environment, whichever application of yours did it.`}
        placeholder="https://hooks.example.com/fusion"
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
        error={urlProblem}
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        maxLength={500}
        required
        withAsterisk={false}
        data-autofocus
      />
      <Checkbox.Group
        label="Events"
        value={[...events]}
        onChange={(chosen) => setEvents(EventName.options.filter((name) => chosen.includes(name)))}
        error={events.length === 0 ? "Choose at least one event." : refusal?.fieldError("/events")}
        data-refused={refusal?.fieldError("/events") !== undefined}
        className={classes.options}
      >
        {EventName.options.map((name) => (
          <Checkbox key={name} value={name} label={<Mono>{name}</Mono>} description={eventWords[name]} />
        ))}
      </Checkbox.Group>
      {problem !== null && urlProblem === undefined && <FormProblem problem={problem} />}
      <div className={classes.actions}>
        <Button variant="default" onClick={onCancel} disabled={pending}>
          Cancel
        </Button>
        <Button type="submit" loading={pending} disabled={url.trim() === "" || events.length === 0}>
          {props.submitLabel}
        </Button>
      </div>
    </form>
  );
}
