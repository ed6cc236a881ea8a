import { passwordLength } from "@fusion/contract/login.ts";
import { Button, PasswordInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { ApiProblem } from "../../lib/api.ts";
import classes from "./login.module.css";
import { useFinishLogin } from "./login-requests.ts";
import type { LoginWalk } from "./login-walk.ts";
import { passwordLengthOf, passwordLengthWords, refusalWords } from "./password-length.ts";
import { StepProblem } from "./step-problem.tsx";
import { UsernameForManagers } from "./username-for-managers.tsx";

/** The first login, or the one after a reset. No second field: the password can be shown instead. */
export function NewPasswordStep({ identifier, walk }: { identifier: string; walk: LoginWalk }) {
  const [password, setPassword] = useState("");
  const [refused, setRefused] = useState(false);
  const finish = useFinishLogin("new_password");
  const length = passwordLengthOf(password);
  const fits = length >= passwordLength.min && length <= passwordLength.max;

  function submit(event: FormEvent): void {
    event.preventDefault();
    setRefused(!fits);
    if (fits && !finish.isPending) finish.mutate(password, { onSuccess: walk.finish });
  }

  const fieldError = finish.error instanceof ApiProblem ? finish.error.fieldError("/password") : undefined;
  return (
    <form onSubmit={submit} className={classes.form} noValidate>
      <p className={classes.lead}>
        {passwordLength.min} to {passwordLength.max} characters, anything you like: a sentence is easy to
        keep. Not one of the passwords that everybody tries.
      </p>
      <UsernameForManagers identifier={identifier} />
      <PasswordInput
        label="New password"
        value={password}
        onChange={(event) => {
          setRefused(false);
          if (finish.isError) finish.reset();
          setPassword(event.currentTarget.value);
        }}
        error={refused ? refusalWords(length) : fieldError}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ "aria-label": "Show or hide the password", tabIndex: 0 }}
        autoFocus
      />
      <p className={classes.length} data-fits={fits}>
        <span className={classes.gauge} aria-hidden>
          <span style={{ width: `${Math.min(100, (length / passwordLength.min) * 100)}%` }} />
        </span>
        <span className="figures">{passwordLengthWords(length)}</span>
      </p>
      <StepProblem error={finish.error} inField={fieldError !== undefined || refused} walk={walk} />
      <div className={classes.actions}>
        <Button type="submit" size="md" loading={finish.isPending}>
          Set password
        </Button>
      </div>
    </form>
  );
}
