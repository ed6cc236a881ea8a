import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactElement, useEffect, useEffectEvent, useRef, useState } from "react";
import { ApiProblem, isProblem, problemWords } from "../lib/api.ts";
import { useSession } from "../lib/session.ts";
import {
  type CodeChannel,
  findStepUpCode,
  isGood,
  noteWait,
  sendStepUpCode,
  startStepUp,
  useStepUpCodes,
} from "../lib/step-up.ts";
import { countdownOf } from "../lib/time.ts";
import { useNow } from "../lib/use-now.ts";
import { useStillThere } from "../lib/use-still-there.ts";
import { isFocusLost } from "./focus.ts";
import { OtpField } from "./otp-field.tsx";
import classes from "./step-up.module.css";

interface StepUpProps {
  /** Why it is asked, as the beginning of a sentence: "This is a live application". */
  because: string;
  /** What has been under way since the code was accepted, such as "Generating the token"; null before. */
  doing: string | null;
  onDone: () => void;
  onBack: () => void;
}

/** The field is emptied for the next try, which submits itself: not what is said of forms, which keep what was entered. */
const unanswered = new ApiProblem({
  status: 0,
  code: "no_answer",
  detail: "The server did not answer. Check your connection and enter the code again.",
});

/**
 * Proves presence with a one-time code, inside the dialog. Submits itself when the code is complete and then goes on, unless the dialog was
 * closed meanwhile. Asks for a code that was sent before if it is still good, here or before the page was loaded; otherwise sends one.
 */
export function StepUp({ because, doing, onDone, onBack }: StepUpProps): ReactElement {
  const client = useQueryClient();
  const { last, nextAtMs } = useStepUpCodes();
  const { identities } = useSession().user;
  const [openedAt] = useState(() => Date.now());
  const [code, setCode] = useState("");
  const [sending, setSending] = useState(false);
  const [checking, setChecking] = useState(false);
  const [proven, setProven] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const now = useNow(1_000);
  const started = useRef(false);
  const stillThere = useStillThere();
  const place = useRef<HTMLDivElement>(null);

  const has = (channel: CodeChannel): boolean => identities.some((identity) => identity.channel === channel);
  const channel = last?.sent.channel ?? (has("sms") ? "sms" : "email");
  const other = channel === "sms" ? "email" : "sms";
  const waitSeconds = (to: CodeChannel): number => ((nextAtMs[to] ?? 0) - now) / 1_000;
  // A code that expires or is used in front of the person stays on screen, and the server says so.
  const asked = last && (proven || isGood(last, openedAt)) ? last : undefined;

  async function send(to: CodeChannel): Promise<void> {
    setProblem(null);
    setProven(false);
    setCode("");
    setSending(true);
    try {
      await startStepUp(client, to);
    } catch (error) {
      // The code may be there all the same: asked for in another tab just now, or only the answer was lost.
      const found = await findStepUpCode(client);
      if (found?.channel !== to || found.resendInSeconds === 0) setProblem(error);
      const seconds = error instanceof ApiProblem ? error.retryAfterSeconds : undefined;
      if (seconds !== undefined) noteWait(client, to, seconds);
    }
    setSending(false);
  }

  async function begin(): Promise<void> {
    setSending(true);
    const found = await findStepUpCode(client);
    setSending(false);
    if (found === null && stillThere()) await send(channel);
  }

  const start = useEffectEvent(() => {
    if (started.current) return;
    started.current = true;
    if (asked === undefined) void begin();
  });
  useEffect(() => start(), []);

  // Until a code was sent there is no field to take the focus from the button that led here.
  useEffect(() => {
    if ((sending || problem !== null) && isFocusLost()) dialogOf(place.current)?.focus();
  }, [sending, problem]);
  useEffect(() => {
    const dialog = dialogOf(place.current);
    return () => {
      // Later, since what comes next may take the focus itself. The form that comes back is left as it was: at its button.
      setTimeout(() => {
        if (!dialog?.isConnected || !isFocusLost()) return;
        dialog.querySelector<HTMLElement>("[type=submit]")?.focus({ preventScroll: true });
        if (isFocusLost()) dialog.focus();
      });
    };
  }, []);

  async function check(figures: string): Promise<void> {
    setChecking(true);
    setProblem(null);
    try {
      await sendStepUpCode(client, figures);
      setProven(true);
      if (stillThere()) onDone();
    } catch (error) {
      setProblem(isProblem(error, "no_answer") ? unanswered : error);
      setCode("");
    }
    setChecking(false);
  }

  // Seconds in an alert would be wrong the next moment, or be read out every second: the buttons count them.
  const limited = isProblem(problem, "code_send_limited");
  const words =
    problem === null || (limited && Math.max(waitSeconds("sms"), waitSeconds("email")) <= 0)
      ? undefined
      : limited
        ? "A code was asked for too often. The button says when the next one can be sent."
        : problemWords(problem);
  const inTime = (label: string, to: CodeChannel): string =>
    waitSeconds(to) > 0 ? `${label} in ${countdownOf(waitSeconds(to))}` : label;
  const busy = sending || checking || doing !== null;
  return (
    <div ref={place} className={classes.stack}>
      <p>
        {because}, so prove that it is you.{" "}
        {sending
          ? "Sending a code …"
          : asked && (
              <>
                We sent a code to <strong className={classes.address}>{asked.sent.sentTo}</strong>.
              </>
            )}
      </p>
      {asked ? (
        // A new code takes the focus.
        <OtpField
          key={asked.sentAtMs}
          value={code}
          onChange={setCode}
          onComplete={(figures) => void check(figures)}
          length={asked.sent.codeLength}
          error={words}
          readOnly={busy}
          autoFocus
        />
      ) : (
        words !== undefined && (
          <p role="alert" className={classes.problem}>
            {words}
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
        {has(other) && (
          <Button
            variant="default"
            onClick={() => void send(other)}
            disabled={waitSeconds(other) > 0 || busy}
          >
            {inTime(`Send to my ${other === "sms" ? "phone" : "email"} instead`, other)}
          </Button>
        )}
        <Button
          variant="default"
          onClick={() => void send(channel)}
          disabled={waitSeconds(channel) > 0 || busy}
        >
          {inTime("Send again", channel)}
        </Button>
      </div>
    </div>
  );
}

function dialogOf(element: HTMLElement | null): HTMLElement | null {
  return element?.closest<HTMLElement>('[role="dialog"]') ?? null;
}
