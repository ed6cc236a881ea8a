import type { CodeSent } from "@fusion/contract/login.ts";
import { Button } from "@mantine/core";
import { type ReactElement, useCallback, useEffect, useRef, useState } from "react";
import { ApiProblem, problemWords } from "../lib/api.ts";
import { sendStepUpCode, startStepUp } from "../lib/step-up.ts";
import { countdownOf } from "../lib/time.ts";
import { useNow } from "../lib/use-now.ts";
import { useStillThere } from "../lib/use-still-there.ts";
import { OtpField } from "./otp-field.tsx";
import classes from "./step-up.module.css";

interface StepUpProps {
  /** What is under way since the code was right, such as "Generating the token"; null before. */
  doing: string | null;
  onDone: () => void;
  onBack: () => void;
}

/**
 * Proves presence with a one-time code, inside the dialog. Submits itself when the code is complete, and then goes on by itself, unless the
 * dialog was closed meanwhile: then nothing is done.
 */
export function StepUp({ doing, onDone, onBack }: StepUpProps): ReactElement {
  const [sent, setSent] = useState<CodeSent>();
  const [resendAt, setResendAt] = useState(0);
  const [code, setCode] = useState("");
  const [checking, setChecking] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const now = useNow(1_000);
  const started = useRef(false);
  const stillThere = useStillThere();

  const send = useCallback(async (): Promise<void> => {
    setProblem(null);
    setCode("");
    try {
      const answer = await startStepUp();
      setSent(answer);
      setResendAt(Date.now() + answer.resendInSeconds * 1_000);
    } catch (error) {
      setProblem(error);
      const wait = error instanceof ApiProblem ? (error.retryAfterSeconds ?? 0) : 0;
      setResendAt(Date.now() + wait * 1_000);
    }
  }, []);

  useEffect(() => {
    if (started.current) return;
    started.current = true;
    void send();
  }, [send]);

  async function check(figures: string): Promise<void> {
    setChecking(true);
    setProblem(null);
    try {
      await sendStepUpCode(figures);
      if (stillThere()) onDone();
    } catch (error) {
      setProblem(error);
      setCode("");
    }
    setChecking(false);
  }

  const waitSeconds = (resendAt - now) / 1_000;
  return (
    <div className={classes.stack}>
      <p>
        This is a live application, so prove that it is you.{" "}
        {sent ? (
          <>
            We sent a code to <strong className={classes.address}>{sent.sentTo}</strong>.
          </>
        ) : (
          problem === null && "Sending a code …"
        )}
      </p>
      {sent ? (
        <OtpField
          value={code}
          onChange={setCode}
          onComplete={(figures) => void check(figures)}
          length={sent.codeLength}
          error={problem === null ? undefined : problemWords(problem)}
          readOnly={checking || doing !== null}
          autoFocus
        />
      ) : (
        problem !== null && (
          <p role="alert" className={classes.problem}>
            {problemWords(problem)}
          </p>
        )
      )}
      <p role="status" className={classes.soft}>
        {checking ? "Checking the code …" : doing !== null ? `${doing} …` : ""}
      </p>
      <div className={classes.actions}>
        <Button variant="default" onClick={onBack} disabled={checking || doing !== null}>
          Back
        </Button>
        <Button variant="default" onClick={() => void send()} disabled={waitSeconds > 0 || checking}>
          {waitSeconds > 0 ? `Send again in ${countdownOf(waitSeconds)}` : "Send again"}
        </Button>
      </div>
    </div>
  );
}
