import { type ReactElement, type RefObject, useEffect, useRef } from "react";
import { isProblem, problemWords } from "../lib/api.ts";
import { paths } from "../lib/paths.ts";
import classes from "./form-problem.module.css";

/** Says beside the button why a form was refused. If the session has ended, another window renews it, and what was entered stays here. */
export function FormProblem({ problem }: { problem: unknown }): ReactElement {
  return (
    <p role="alert" className={classes.problem}>
      {problemWords(problem)}
      {isProblem(problem, "session_required") && (
        <>
          {" "}
          <a href={paths.login} target="_blank" rel="noreferrer">
            Log in in another window
          </a>
          , then try again here: what you entered stays.
        </>
      )}
    </p>
  );
}

/**
 * Gives back the focus that the button lost while it was busy, after a refusal: to the first wrong field, scrolled to the middle of what is
 * visible, or else to the button. A wrong group of controls says so by `data-refused`.
 */
export function useFocusAfterRefusal(problem: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (problem === null) return;
    const wrong = form.current?.querySelector<HTMLElement>(
      "[aria-invalid=true], [data-refused=true] :is(input, button)",
    );
    (wrong ?? form.current?.querySelector<HTMLElement>("[type=submit]"))?.focus({ preventScroll: true });
    wrong?.scrollIntoView({ block: "center" });
  }, [problem]);
  return form;
}
