import type { Environment } from "@fusion/contract/primitives.ts";
import type { WebhookEndpointSettings } from "@fusion/contract/webhooks.ts";
import type { ReactElement } from "react";
import { EndpointForm } from "./endpoint-form.tsx";
import { addWebhook } from "./webhook-queries.ts";
import { WebhookSecretDialog } from "./webhook-secret-dialog.tsx";

/** "Add endpoint", from the address to the secret. */
export function AddDialog(props: {
  applicationId: string;
  environment: Environment;
  onClose: () => void;
}): ReactElement {
  return (
    <WebhookSecretDialog<WebhookEndpointSettings>
      title="Add endpoint"
      doing="Adding the endpoint"
      make={(input) => addWebhook(props.applicationId, input)}
      form={(form) => (
        <EndpointForm
          environment={props.environment}
          present={{ url: "", events: ["TRANSFER_CREATED"] }}
          submitLabel="Add endpoint"
          {...form}
        />
      )}
      onClose={props.onClose}
    />
  );
}
