import { Button } from "@mantine/core";
import { useState } from "react";
import { isProblem, problemWords } from "../../lib/api.ts";
import classes from "./login.module.css";
import { type LoginWalk, needsRestart } from "./login-walk.ts";

interface StepProblemProps {
  readonly error: unknown;
  /** The words stand at the field already. */
  readonly inField: boolean;
  readonly walk: LoginWalk;
  /** What to say where this step is over, and a try before this one got no answer: it may have been what ended the step. */
  readonly afterLostAnswer?: string;
}

/** What went wrong in this step, and "Start again" where nothing else helps. */
export function StepProblem({ error, inField, walk, afterLostAnswer }: StepProblemProps) {
  const [lost, setLost] = useState(false);
  if (!lost && isProblem(error, "no_answer")) setLost(true);
  if (error === null || error === undefined) return null;
  const isOver = isProblem(error, "login_expired") || isProblem(error, "login_step_wrong");
  return (
    <>
      {!inField && (
        <p className={classes.problem} role="alert">
          {lost && isOver && afterLostAnswer !== undefined ? afterLostAnswer : problemWords(error)}
        </p>
      )}
      {needsRestart(error) && (
        <div className={classes.actions}>
          <Button size="md" onClick={walk.restart}>
            Start again
          </Button>
        </div>
      )}
    </>
  );
}
