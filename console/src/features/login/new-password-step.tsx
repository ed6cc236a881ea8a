import { Button } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { ApiProblem } from "../../lib/api.ts";
import { lengthFault } from "../../lib/password-length.ts";
import { useFocusWhenLost } from "../../ui/focus.ts";
import { NewPasswordField, newPasswordRules } from "../../ui/password-field.tsx";
import { UsernameForManagers } from "../../ui/username-for-managers.tsx";
import classes from "./login.module.css";
import { useFinishLogin } from "./login-requests.ts";
import type { LoginWalk } from "./login-walk.ts";
import { StepProblem } from "./step-problem.tsx";

/** The step of a first login or after a reset. It has no second field: the password can be shown instead. */
export function NewPasswordStep({ identifier, walk }: { identifier: string; walk: LoginWalk }) {
  const [password, setPassword] = useState("");
  const [refused, setRefused] = useState<string>();
  const finish = useFinishLogin("new_password");
  const field = useFocusWhenLost<HTMLInputElement>(finish.isError);

  function submit(event: FormEvent): void {
    event.preventDefault();
    const fault = lengthFault(password);
    setRefused(fault);
    if (fault === undefined && !finish.isPending) finish.mutate(password, { onSuccess: walk.finish });
  }

  const fieldError = finish.error instanceof ApiProblem ? finish.error.fieldError("/password") : undefined;
  return (
    <form onSubmit={submit} className={classes.form} noValidate>
      <p className={classes.lead}>{newPasswordRules}</p>
      <UsernameForManagers identifier={identifier} />
      <NewPasswordField
        inputRef={field}
        value={password}
        onChange={(typed) => {
          setRefused(undefined);
          if (finish.isError) finish.reset();
          setPassword(typed);
        }}
        error={refused ?? fieldError}
        autoFocus
      />
      <StepProblem
        error={finish.error}
        inField={(refused ?? fieldError) !== undefined}
        walk={walk}
        afterLostAnswer="The password may be set already, though the answer was lost. Start again, and log in with it."
      />
      <div className={classes.actions}>
        <Button type="submit" size="md" loading={finish.isPending}>
          Set password
        </Button>
      </div>
    </form>
  );
}
