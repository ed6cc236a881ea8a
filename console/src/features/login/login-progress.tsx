import classes from "./login.module.css";
import type { LoginStep } from "./login-walk.ts";

const stages = ["Who you are", "One-time code", "Password"];
const stageOf: Record<LoginStep["step"] | "identifier", number> = {
  identifier: 0,
  code: 1,
  password: 2,
  new_password: 2,
  approval: 2,
};

/** The login as a lifeline across the page: lived up to now, dots for what is to come. */
export function LoginProgress({ step }: { step: LoginStep["step"] | "identifier" }) {
  const now = stageOf[step];
  return (
    <ol className={classes.line} data-now={now} aria-label="Steps of the login">
      {stages.map((stage, index) => (
        <li
          key={stage}
          data-state={index < now ? "done" : index === now ? "now" : "to-come"}
          aria-current={index === now ? "step" : undefined}
        >
          {stage}
        </li>
      ))}
    </ol>
  );
}
