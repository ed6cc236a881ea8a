import { Button } from "@mantine/core";
import { type FormEvent, useRef, useState } from "react";
import { ApiProblem } from "../../lib/api.ts";
import { useFocusWhenLost } from "../../ui/focus.ts";
import { PasswordField } from "../../ui/password-field.tsx";
import { UsernameForManagers } from "../../ui/username-for-managers.tsx";
import classes from "./login.module.css";
import { useFinishLogin, useForgotPassword } from "./login-requests.ts";
import { type LoginWalk, stepAfterForgot } from "./login-walk.ts";
import { StepProblem } from "./step-problem.tsx";

export function PasswordStep({ identifier, walk }: { identifier: string; walk: LoginWalk }) {
  const [password, setPassword] = useState("");
  const [empty, setEmpty] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const finish = useFinishLogin("password");
  const forgot = useForgotPassword();
  const forgotButton = useFocusWhenLost<HTMLButtonElement>(forgot.isError);

  function submit(event: FormEvent): void {
    event.preventDefault();
    setEmpty(password === "");
    forgot.reset();
    if (password === "" || finish.isPending) return;
    finish.mutate(password, { onSuccess: walk.finish, onError: () => field.current?.select() });
  }

  function startReset(): void {
    finish.reset();
    forgot.mutate({}, { onSuccess: (answer) => walk.go(stepAfterForgot(answer)) });
  }

  const fieldError = finish.error instanceof ApiProblem ? finish.error.fieldError("/password") : undefined;
  return (
    <form onSubmit={submit} className={classes.form} noValidate>
      <UsernameForManagers identifier={identifier} />
      <PasswordField
        inputRef={field}
        label="Password"
        value={password}
        onChange={(typed) => {
          setEmpty(false);
          setPassword(typed);
        }}
        error={empty ? "Enter your password." : fieldError}
        autoComplete="current-password"
        autoFocus
      />
      <StepProblem
        error={forgot.error ?? finish.error}
        inField={forgot.error === null && fieldError !== undefined}
        walk={walk}
        afterLostAnswer="That may have been done, though the answer was lost. Start again."
      />
      <div className={classes.actions}>
        <Button type="submit" size="md" loading={finish.isPending}>
          Log in
        </Button>
        <button
          ref={forgotButton}
          type="button"
          className={classes.quiet}
          onClick={startReset}
          disabled={forgot.isPending}
        >
          Forgot password
        </button>
      </div>
    </form>
  );
}
