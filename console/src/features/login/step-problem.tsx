import { problemWords } from "../../lib/api.ts";
import classes from "./login.module.css";
import { type LoginWalk, needsRestart } from "./login-walk.ts";

/** What went wrong in this step, and "Start again" where nothing else helps. `inField`: the words stand at the field already. */
export function StepProblem({ error, inField, walk }: { error: unknown; inField: boolean; walk: LoginWalk }) {
  if (error === null || error === undefined) return null;
  const restart = needsRestart(error);
  if (inField && !restart) return null;
  return (
    <div className={classes.problem} role="alert">
      {!inField && <p>{problemWords(error)}</p>}
      {restart && (
        <button type="button" className={classes.quiet} onClick={walk.restart}>
          Start again
        </button>
      )}
    </div>
  );
}
