import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import type { GeneratedToken, GenerateToken, TokenSummary } from "@fusion/contract/tokens.ts";
import { type ReactElement, useRef, useState } from "react";
import { isProblem } from "../../lib/api.ts";
import { FormDialog } from "../../ui/form-dialog.tsx";
import { SecretFoot } from "../../ui/secret-box.tsx";
import { StepUp } from "../../ui/step-up.tsx";
import { useSecretGuard } from "../../ui/use-secret-guard.ts";
import { AlreadyIssued } from "./already-issued.tsx";
import { cannotRenew, GenerateForm } from "./generate-form.tsx";
import { SecretView } from "./secret-view.tsx";
import { generateToken, useRefreshTokens } from "./token-queries.ts";

interface GenerateDialogProps {
  application: ApplicationDetails;
  /** The token to renew, when the dialog was opened for that. */
  renews?: Pick<TokenSummary, "tokenId" | "name" | "scopes" | "ipAllowList" | "expiresAt"> | undefined;
  onClose: () => void;
}

type Step =
  | { at: "form"; problem: unknown }
  | { at: "presence"; input: GenerateToken }
  | { at: "already_issued"; input: GenerateToken; tokenId: string };

/**
 * "Generate Authentication Token", from the choices to the secret. The secret lives only in the state of this component and is gone with
 * the dialog.
 *
 * One idempotency key names the request from the opening of the dialog until a token was made, even if the choices change after an answer
 * was lost: the server then says that a token exists, where a new key would quietly make a second one.
 */
export function GenerateDialog({ application, renews, onClose }: GenerateDialogProps): ReactElement {
  const refresh = useRefreshTokens();
  const key = useRef(crypto.randomUUID());
  const [step, setStep] = useState<Step>({ at: "form", problem: null });
  const [pending, setPending] = useState(false);
  const inFlight = useRef(false);
  const [generated, setGenerated] = useState<GeneratedToken>();
  const guard = useSecretGuard(onClose);

  async function submit(input: GenerateToken): Promise<void> {
    if (inFlight.current) return;
    inFlight.current = true;
    setPending(true);
    guard.hold();
    try {
      const answer = await generateToken(application.applicationId, input, key.current);
      key.current = crypto.randomUUID();
      setGenerated(answer);
      void refresh();
    } catch (error) {
      guard.release();
      if (isProblem(error, "step_up_required")) setStep({ at: "presence", input });
      else if (isProblem(error, "token_already_issued")) {
        setStep({ at: "already_issued", input, tokenId: String(error.extensions.tokenId) });
        void refresh();
      } else {
        setStep({ at: "form", problem: error });
        if (cannotRenew(error) || isProblem(error, "token_limit_reached")) void refresh();
      }
    } finally {
      inFlight.current = false;
      setPending(false);
    }
  }

  function close(): void {
    if (!pending) guard.close();
  }

  const title = renews ? `Renew ${renews.name}` : "Generate Authentication Token";
  return (
    <FormDialog title={generated ? "Your token" : title} onClose={close}>
      {generated ? (
        <>
          <SecretView generated={generated} onKept={guard.release} />
          <SecretFoot kind="token" guard={guard}>
            <strong>You have not copied or downloaded the token.</strong> Once this is closed nobody can show
            it again; you would have to generate another one.
          </SecretFoot>
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
              because="This is a live application"
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
          {guard.asking && (
            <SecretFoot kind="token" guard={guard}>
              <strong>The token is being generated.</strong> It is shown here in a moment; once you have left,
              nobody can show it, and you would have to generate another one.
            </SecretFoot>
          )}
        </>
      )}
    </FormDialog>
  );
}
