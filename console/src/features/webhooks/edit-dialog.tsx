import type { WebhookEndpointDetails, WebhookEndpointSettings } from "@fusion/contract/webhooks.ts";
import { type ReactElement, useState } from "react";
import { isProblem } from "../../lib/api.ts";
import { SecretDialog, useReturnFocus } from "../../ui/secret-dialog.tsx";
import { StepUp } from "../../ui/step-up.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { EndpointForm } from "./endpoint-form.tsx";
import { useEdit } from "./webhook-queries.ts";

/** "Edit", from the form to the changed endpoint, with presence proven on the way where that is asked. */
export function EditDialog(props: { details: WebhookEndpointDetails; onClose: () => void }): ReactElement {
  const { endpoint, application } = props.details;
  const edit = useEdit(endpoint.endpointId);
  const toast = useToast();
  /** What is to be saved once presence is proven. */
  const [kept, setKept] = useState<WebhookEndpointSettings>();
  useReturnFocus();

  function submit(input: WebhookEndpointSettings): void {
    if (edit.isPending) return;
    edit.mutate(input, {
      onSuccess: () => {
        toast("The endpoint is changed.");
        props.onClose();
      },
      onError: (error) => setKept(isProblem(error, "step_up_required") ? input : undefined),
    });
  }

  function close(): void {
    if (!edit.isPending) props.onClose();
  }

  return (
    <SecretDialog title="Edit endpoint" onClose={close}>
      {kept !== undefined && (
        <StepUp
          because="This is a live application"
          doing={edit.isPending ? "Changing the endpoint" : null}
          onDone={() => submit(kept)}
          onBack={() => {
            setKept(undefined);
            edit.reset();
          }}
        />
      )}
      {/* Kept while presence is proven, so that going back finds everything as it was. */}
      <div hidden={kept !== undefined}>
        <EndpointForm
          environment={application.environment}
          present={endpoint}
          submitLabel="Save"
          pending={edit.isPending}
          problem={kept === undefined ? edit.error : null}
          onSubmit={submit}
          onCancel={close}
        />
      </div>
    </SecretDialog>
  );
}
