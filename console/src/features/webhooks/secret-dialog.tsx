import type { WebhookEndpointWithSecret } from "@fusion/contract/webhooks.ts";
import { Button, Modal } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { type ReactElement, type ReactNode, useRef, useState } from "react";
import { isProblem } from "../../lib/api.ts";
import { CopyButton } from "../../ui/copy-button.tsx";
import { StepUp } from "../../ui/step-up.tsx";
import { useIsPhone } from "../../ui/use-is-phone.ts";
import { useRefreshWebhooks } from "./webhook-queries.ts";
import classes from "./webhooks.module.css";

/** What a form inside the dialog needs to know and to say. */
export interface SecretForm<Input> {
  readonly pending: boolean;
  readonly problem: unknown;
  readonly onSubmit: (input: Input) => void;
  readonly onCancel: () => void;
}

interface SecretDialogProps<Input> {
  readonly title: string;
  /** As in "Adding the endpoint". */
  readonly doing: string;
  readonly make: (input: Input) => Promise<WebhookEndpointWithSecret>;
  readonly form: (form: SecretForm<Input>) => ReactNode;
  readonly onClose: () => void;
}

/**
 * From a form to a secret that is shown once, with presence proven on the way where that is asked. The secret lives in the state of this
 * component and nowhere else. Closing before it was copied asks first.
 */
export function SecretDialog<Input>(props: SecretDialogProps<Input>): ReactElement {
  const { title, doing, make, form, onClose } = props;
  const phone = useIsPhone();
  const refresh = useRefreshWebhooks();
  const [step, setStep] = useState<{ at: "form"; problem: unknown } | { at: "presence"; input: Input }>({
    at: "form",
    problem: null,
  });
  const [pending, setPending] = useState(false);
  const [made, setMade] = useState<WebhookEndpointWithSecret>();
  const [asking, setAsking] = useState(false);
  // Read at the very moment of a navigation, when the state of the last render may be old.
  const mayLeave = useRef(true);
  const blocker = useBlocker({
    shouldBlockFn: () => !mayLeave.current,
    enableBeforeUnload: () => !mayLeave.current,
    withResolver: true,
  });

  async function submit(input: Input): Promise<void> {
    if (pending) return;
    setPending(true);
    try {
      setMade(await make(input));
      mayLeave.current = false;
      void refresh();
    } catch (error) {
      setStep(
        isProblem(error, "step_up_required") ? { at: "presence", input } : { at: "form", problem: error },
      );
    } finally {
      setPending(false);
    }
  }

  function close(): void {
    if (pending) return;
    if (!mayLeave.current) setAsking(true);
    else onClose();
  }

  function stay(): void {
    setAsking(false);
    if (blocker.status === "blocked") blocker.reset();
  }

  function leave(): void {
    mayLeave.current = true;
    if (blocker.status === "blocked") blocker.proceed();
    else onClose();
  }

  return (
    <Modal
      opened
      onClose={close}
      title={made ? "The endpoint's secret" : title}
      size="38rem"
      fullScreen={phone}
      closeButtonProps={{ "aria-label": "Close" }}
      classNames={{ title: classes.dialogTitle }}
    >
      {made ? (
        <>
          <Secret
            secret={made.secret}
            onKept={() => {
              mayLeave.current = true;
              stay();
            }}
          />
          {asking || blocker.status === "blocked" ? (
            <div className={classes.leave} role="alertdialog" aria-label="Close without the secret?">
              <p>
                <strong>You have not copied the secret.</strong> Once this is closed nobody can show it again;
                you would have to rotate it.
              </p>
              <div className={classes.actions}>
                <Button variant="outline" color="urgent" onClick={leave}>
                  Close without it
                </Button>
                <Button onClick={stay} data-autofocus autoFocus>
                  Keep it open
                </Button>
              </div>
            </div>
          ) : (
            <div className={classes.actions}>
              <Button variant="default" onClick={close}>
                Done
              </Button>
            </div>
          )}
        </>
      ) : (
        <>
          {step.at === "presence" && (
            <StepUp
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
        </>
      )}
    </Modal>
  );
}

function Secret({ secret, onKept }: { secret: string; onKept: () => void }): ReactElement {
  const box = useRef<HTMLElement>(null);
  return (
    <div className={classes.stack}>
      <p className={classes.onlyNow}>You can see this secret only now.</p>
      <div className={classes.secretBox}>
        {/* Copying by hand is keeping it, too. */}
        <code ref={box} className={classes.secret} onCopy={onKept} translate="no">
          {secret}
        </code>
      </div>
      <div>
        <CopyButton value={secret} label="Copy" words target={box} onCopied={onKept} />
      </div>
      <p className={classes.soft}>
        With it your program tells that a call is ours: the headers <code>webhook-signature</code> and{" "}
        <code>X-Zeta-HMAC</code> are made from it and the body.
      </p>
    </div>
  );
}
