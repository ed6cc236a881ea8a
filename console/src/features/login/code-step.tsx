import { Button } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ApiProblem, isRefused, problemWords } from "../../lib/api.ts";
import { countdownOf, spanWords } from "../../lib/time.ts";
import { useNow } from "../../lib/use-now.ts";
import { useFocusWhenLost } from "../../ui/focus.ts";
import { OtpField } from "../../ui/otp-field.tsx";
import classes from "./login.module.css";
import { useForgotPassword, useResendCode, useVerifyCode } from "./login-requests.ts";
import {
  type LoginStep,
  type LoginWalk,
  needsRestart,
  stepAfterCode,
  stepAfterForgot,
} from "./login-walk.ts";
import { StepProblem } from "./step-problem.tsx";

interface CodeStepProps {
  readonly step: Extract<LoginStep, { step: "code" }>;
  readonly walk: LoginWalk;
}

export function CodeStep({ step, walk }: CodeStepProps) {
  const { sent, purpose } = step;
  const [code, setCode] = useState("");
  const verify = useVerifyCode(purpose);
  const field = useRef<HTMLInputElement>(null);

  // A refused code leaves an empty field to type the next one into. One that got no answer stays, to be sent again.
  const { error } = verify;
  useEffect(() => {
    if (error === null) return;
    if (isRefused(error)) setCode("");
    field.current?.focus();
  }, [error]);

  function check(complete: string): void {
    if (verify.isPending || complete.length !== sent.codeLength) return;
    verify.mutate(complete, {
      onSuccess: (answer) => walk.go(stepAfterCode(answer)),
    });
  }

  const fieldError = verify.error instanceof ApiProblem ? verify.error.fieldError("/code") : undefined;
  // Only starting again helps, and the error message offers that.
  const over = needsRestart(verify.error);
  return (
    <form
      className={classes.form}
      noValidate
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        check(code);
      }}
    >
      <p className={classes.lead}>
        {purpose === "forgot" && "To set a new password, prove your other address too. "}
        {sent.codeLength} digits, sent by {sent.channel === "sms" ? "SMS" : "email"} to{" "}
        <strong className={classes.address}>{sent.sentTo}</strong>. They work for{" "}
        {spanWords(sent.expiresInSeconds)}.
      </p>
      <OtpField
        inputRef={field}
        value={code}
        onChange={(figures) => {
          setCode(figures);
          if (verify.isError && figures !== "") verify.reset();
        }}
        onComplete={check}
        length={sent.codeLength}
        error={fieldError}
        readOnly={verify.isPending || over}
        autoFocus
      />
      <StepProblem
        error={verify.error}
        inField={fieldError !== undefined}
        walk={walk}
        afterLostAnswer="The code may have been taken, though the answer was lost. Start again for another one."
      />
      {!over && (
        <>
          <div className={classes.actions}>
            <Button
              type="submit"
              size="md"
              loading={verify.isPending}
              disabled={code.length !== sent.codeLength}
            >
              Continue
            </Button>
            <Resend
              step={step}
              walk={walk}
              onSent={() => {
                // What was said of the code before is not about the new one, for which the button made room.
                verify.reset();
                setCode("");
                field.current?.focus();
              }}
            />
          </div>
          <p className={classes.foot}>
            <button type="button" className={classes.quiet} onClick={walk.restart}>
              Use another phone number or email
            </button>
          </p>
          {step.approvalInstead && <AskForApproval walk={walk} />}
        </>
      )}
    </form>
  );
}

/** A way out for people who never got the code sent to their other address. */
function AskForApproval({ walk }: { walk: LoginWalk }) {
  const forgot = useForgotPassword();
  const button = useFocusWhenLost<HTMLButtonElement>(forgot.isError);
  return (
    <>
      <p className={classes.foot}>
        <button
          ref={button}
          type="button"
          className={classes.quiet}
          disabled={forgot.isPending}
          onClick={() =>
            forgot.mutate(
              { otherUnreachable: true },
              { onSuccess: (answer) => walk.go(stepAfterForgot(answer)) },
            )
          }
        >
          No code reaches me there
        </button>
      </p>
      <StepProblem error={forgot.error} inField={false} walk={walk} />
    </>
  );
}

/** "Send another code", after the countdown that the server asks for. */
function Resend({ step, walk, onSent }: CodeStepProps & { readonly onSent: () => void }) {
  const resend = useResendCode();
  const button = useFocusWhenLost<HTMLButtonElement>(resend.isError);
  const now = useNow(1_000);
  const waitSeconds = step.sent.resendInSeconds - (now - step.sentAtMs) / 1000;
  return (
    <div className={classes.resend}>
      {waitSeconds > 0 ? (
        <span className="figures">Another code in {countdownOf(waitSeconds)}</span>
      ) : (
        <button
          ref={button}
          type="button"
          className={classes.quiet}
          disabled={resend.isPending}
          onClick={() =>
            resend.mutate(undefined, {
              onSuccess: (sent) => {
                walk.go({ ...step, sent, sentAtMs: Date.now() });
                onSent();
              },
            })
          }
        >
          {resend.isPending ? "Sending another code …" : "Send another code"}
        </button>
      )}
      {resend.error && (
        <span role="alert" className={classes.resendProblem}>
          {problemWords(resend.error)}
        </span>
      )}
    </div>
  );
}
