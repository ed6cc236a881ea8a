import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import type { GeneratedToken, GenerateToken, TokenSummary } from "@fusion/contract/tokens.ts";
import { Button, Modal } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { type ReactElement, useEffect, useRef, useState } from "react";
import { isProblem } from "../../lib/api.ts";
import { StepUp } from "../../ui/step-up.tsx";
import { useIsPhone } from "../../ui/use-is-phone.ts";
import { AlreadyIssued } from "./already-issued.tsx";
import { GenerateForm } from "./generate-form.tsx";
import { SecretView } from "./secret-view.tsx";
import { generateToken, useRefreshTokens } from "./token-queries.ts";
import classes from "./tokens.module.css";

interface GenerateDialogProps {
  application: ApplicationDetails;
  /** The token to renew, when the dialog was opened for that. */
  renews?: Pick<TokenSummary, "tokenId" | "name" | "scopes" | "expiresAt"> | undefined;
  onClose: () => void;
}

type Step =
  | { at: "form"; problem: unknown }
  | { at: "presence"; input: GenerateToken }
  | { at: "already_issued"; input: GenerateToken; tokenId: string };

/**
 * "Generate Authentication Token", from the choice to the secret. The secret lives in the state of this component and nowhere else: when the
 * dialog is gone, so is it.
 *
 * One key names the request from the opening of the dialog until a token was made, also if the choice changes after an answer was lost: the
 * server then says that a token exists, where a new key would quietly make a second one.
 */
export function GenerateDialog({ application, renews, onClose }: GenerateDialogProps): ReactElement {
  const phone = useIsPhone();
  const refresh = useRefreshTokens();
  const key = useRef(crypto.randomUUID());
  const [step, setStep] = useState<Step>({ at: "form", problem: null });
  const [pending, setPending] = useState(false);
  const inFlight = useRef(false);
  const [generated, setGenerated] = useState<GeneratedToken>();
  const [kept, setKept] = useState(false);
  const [asking, setAsking] = useState(false);
  // Read by the blocker at the very moment of a navigation, when the state of the last render may be old.
  const mayLeave = useRef(true);

  useReturnFocus();
  const blocker = useBlocker({
    shouldBlockFn: () => !mayLeave.current,
    enableBeforeUnload: () => !mayLeave.current,
    withResolver: true,
  });

  async function submit(input: GenerateToken): Promise<void> {
    if (inFlight.current) return;
    inFlight.current = true;
    setPending(true);
    try {
      const answer = await generateToken(application.applicationId, input, key.current);
      key.current = crypto.randomUUID();
      mayLeave.current = false;
      setGenerated(answer);
      void refresh();
    } catch (error) {
      if (isProblem(error, "step_up_required")) setStep({ at: "presence", input });
      else if (isProblem(error, "token_already_issued")) {
        setStep({ at: "already_issued", input, tokenId: String(error.extensions.tokenId) });
        void refresh();
      } else setStep({ at: "form", problem: error });
    } finally {
      inFlight.current = false;
      setPending(false);
    }
  }

  function close(): void {
    if (pending) return;
    if (!mayLeave.current) setAsking(true);
    else onClose();
  }

  function leave(): void {
    mayLeave.current = true;
    if (blocker.status === "blocked") blocker.proceed();
    else onClose();
  }

  function stay(): void {
    setAsking(false);
    if (blocker.status === "blocked") blocker.reset();
  }

  return (
    <Modal
      opened
      onClose={close}
      title={generated ? "Your token" : "Generate Authentication Token"}
      size="38rem"
      fullScreen={phone}
      closeButtonProps={{ "aria-label": "Close" }}
      classNames={{ title: classes.dialogTitle }}
    >
      {generated ? (
        <>
          <SecretView
            generated={generated}
            onKept={() => {
              mayLeave.current = true;
              setKept(true);
              stay();
            }}
          />
          {(asking || blocker.status === "blocked") && !kept ? (
            <LeaveQuestion onStay={stay} onLeave={leave} />
          ) : (
            <div className={classes.dialogActions}>
              <Button variant="default" onClick={close}>
                Done
              </Button>
            </div>
          )}
        </>
      ) : (
        <>
          {step.at === "already_issued" && (
            <AlreadyIssued
              tokenId={step.tokenId}
              onCancel={onClose}
              onRevoked={() => {
                key.current = crypto.randomUUID();
                return submit(step.input);
              }}
            />
          )}
          {step.at === "presence" && (
            <StepUp
              doing={pending ? "Generating the token" : null}
              onDone={() => void submit(step.input)}
              onBack={() => setStep({ at: "form", problem: null })}
            />
          )}
          {/* Kept while presence is proven, so that going back finds everything as it was. */}
          <div hidden={step.at !== "form"}>
            <GenerateForm
              application={application}
              renews={renews}
              pending={pending}
              problem={step.at === "form" ? step.problem : null}
              onSubmit={(input) => void submit(input)}
              onCancel={close}
            />
          </div>
        </>
      )}
    </Modal>
  );
}

/** Gives the focus back to what opened the dialog. The dialog leaves with its place in the address, too suddenly for the modal's own way. */
function useReturnFocus(): void {
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      setTimeout(() => {
        if (opener instanceof HTMLElement && opener.isConnected && opener !== document.body) opener.focus();
      }, 50);
    },
    [opener],
  );
}

function LeaveQuestion({ onStay, onLeave }: { onStay: () => void; onLeave: () => void }): ReactElement {
  return (
    <div className={classes.leave} role="alertdialog" aria-label="Close without the token?">
      <p>
        <strong>You have not copied or downloaded the token.</strong> Once this is closed nobody can show it
        again; you would have to generate another one.
      </p>
      <div className={classes.dialogActions}>
        <Button variant="outline" color="urgent" onClick={onLeave}>
          Close without it
        </Button>
        <Button onClick={onStay} data-autofocus autoFocus>
          Keep it open
        </Button>
      </div>
    </div>
  );
}
