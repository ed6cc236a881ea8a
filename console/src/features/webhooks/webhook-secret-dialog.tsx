import type { WebhookEndpointWithSecret } from "@fusion/contract/webhooks.ts";
import { type ReactElement, type ReactNode, useState } from "react";
import { isProblem } from "../../lib/api.ts";
import { FormDialog } from "../../ui/form-dialog.tsx";
import { SecretBox, SecretFoot } from "../../ui/secret-box.tsx";
import { StepUp } from "../../ui/step-up.tsx";
import { useSecretGuard } from "../../ui/use-secret-guard.ts";
import { useRefreshWebhooks } from "./webhook-queries.ts";
import classes from "./webhooks.module.css";

/** What a form inside the dialog needs to know and to say. */
export interface SecretForm<Input> {
  readonly pending: boolean;
  readonly problem: unknown;
  readonly onSubmit: (input: Input) => void;
  readonly onCancel: () => void;
}

interface WebhookSecretDialogProps<Input> {
  readonly title: string;
  /** As in "Adding the endpoint". */
  readonly doing: string;
  readonly make: (input: Input) => Promise<WebhookEndpointWithSecret>;
  readonly form: (form: SecretForm<Input>) => ReactNode;
  readonly onClose: () => void;
}

/**
 * From a form to a secret that is shown once, with presence proven on the way where that is asked. The secret lives in the state of this
 * component and nowhere else.
 */
export function WebhookSecretDialog<Input>(props: WebhookSecretDialogProps<Input>): ReactElement {
  const { title, doing, make, form, onClose } = props;
  const refresh = useRefreshWebhooks();
  const [step, setStep] = useState<{ at: "form"; problem: unknown } | { at: "presence"; input: Input }>({
    at: "form",
    problem: null,
  });
  const [pending, setPending] = useState(false);
  const [made, setMade] = useState<WebhookEndpointWithSecret>();
  const guard = useSecretGuard(onClose);

  async function submit(input: Input): Promise<void> {
    if (pending) return;
    setPending(true);
    guard.hold();
    try {
      const answer = await make(input);
      setMade(answer);
      void refresh();
    } catch (error) {
      guard.release();
      setStep(
        isProblem(error, "step_up_required") ? { at: "presence", input } : { at: "form", problem: error },
      );
    } finally {
      setPending(false);
    }
  }

  function close(): void {
    if (!pending) guard.close();
  }

  return (
    <FormDialog title={made ? "The endpoint's secret" : title} onClose={close}>
      {made ? (
        <>
          <div className={classes.stack}>
            <SecretBox kind="secret" secret={made.secret} onKept={guard.release} />
            <p className={classes.soft}>
              With it your program tells that a call is ours: the headers <code>webhook-signature</code> and{" "}
              <code>X-Zeta-HMAC</code> are made from it and the body.
            </p>
          </div>
          <SecretFoot kind="secret" guard={guard}>
            <strong>You have not copied the secret.</strong> Once this is closed nobody can show it again; you
            would have to rotate it.
          </SecretFoot>
        </>
      ) : (
        <>
          {step.at === "presence" && (
            <StepUp
              because="This is a live application"
              doing={pending ? doing : null}
              onDone={() => void submit(step.input)}
              onBack={() => setStep({ at: "form", problem: null })}
            />
          )}
          {/* Kept while presence is proven, so that going back finds everything as it was. */}
          <div hidden={step.at !== "form"}>
            {form({
              pending,
              problem: step.at === "form" ? step.problem : null,
              onSubmit: (input) => void submit(input),
              onCancel: close,
            })}
          </div>
          {guard.asking && (
            <SecretFoot kind="secret" guard={guard}>
              <strong>The secret is being made.</strong> It is shown here in a moment; once you have left,
              nobody can show it, and you would have to rotate it.
            </SecretFoot>
          )}
        </>
      )}
    </FormDialog>
  );
}
