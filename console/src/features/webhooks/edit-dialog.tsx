import type { WebhookEndpointDetails, WebhookEndpointSettings } from "@fusion/contract/webhooks.ts";
import type { ReactElement } from "react";
import { FormDialog } from "../../ui/form-dialog.tsx";
import { ProvenForm, useProof } from "../../ui/proven-form.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { useReturnFocus } from "../../ui/use-return-focus.ts";
import { EndpointForm } from "./endpoint-form.tsx";
import { useEdit } from "./webhook-queries.ts";

/** "Edit", from the form to the changed endpoint, with presence proven on the way where that is asked. */
export function EditDialog(props: { details: WebhookEndpointDetails; onClose: () => void }): ReactElement {
  const { endpoint, application } = props.details;
  const edit = useEdit(endpoint.endpointId);
  const toast = useToast();
  const proof = useProof(edit);
  useReturnFocus();

  function submit(input: WebhookEndpointSettings): void {
    if (edit.isPending) return;
    edit.mutate(input, {
      onSuccess: () => {
        toast("The endpoint is changed.");
        props.onClose();
      },
      onError: proof.refused,
    });
  }

  function close(): void {
    if (!edit.isPending) props.onClose();
  }

  return (
    <FormDialog title="Edit endpoint" onClose={close}>
      <ProvenForm
        proof={proof}
        because="This is a live application"
        doing="Changing the endpoint"
        onProven={() => edit.variables && submit(edit.variables)}
      >
        <EndpointForm
          environment={application.environment}
          present={endpoint}
          submitLabel="Save"
          pending={edit.isPending}
          problem={proof.problem}
          onSubmit={submit}
          onCancel={close}
        />
      </ProvenForm>
    </FormDialog>
  );
}
