import { Button } from "@mantine/core";
import { problemWords } from "../../lib/api.ts";
import classes from "./login.module.css";
import { type LoginWalk, needsRestart } from "./login-walk.ts";

/** What went wrong in this step, and "Start again" where nothing else helps. `inField`: the words stand at the field already. */
export function StepProblem({ error, inField, walk }: { error: unknown; inField: boolean; walk: LoginWalk }) {
  if (error === null || error === undefined) return null;
  return (
    <>
      {!inField && (
        <p className={classes.problem} role="alert">
          {problemWords(error)}
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
