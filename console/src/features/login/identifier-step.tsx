import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { ApiProblem, problemWords } from "../../lib/api.ts";
import { useFocusWhenLost } from "../../ui/focus.ts";
import classes from "./login.module.css";
import { useStartLogin } from "./login-requests.ts";
import type { LoginWalk } from "./login-walk.ts";

interface IdentifierStepProps {
  readonly identifier: string;
  readonly onChange: (identifier: string) => void;
  /** Whether the last session ended because it was idle. */
  readonly ended: boolean;
  readonly walk: LoginWalk;
}

export function IdentifierStep({ identifier, onChange, ended, walk }: IdentifierStepProps) {
  const start = useStartLogin();
  const field = useFocusWhenLost<HTMLInputElement>(start.isError);
  const [empty, setEmpty] = useState(false);

  function submit(event: FormEvent): void {
    event.preventDefault();
    setEmpty(identifier.trim() === "");
    if (identifier.trim() === "" || start.isPending) return;
    start.mutate(identifier.trim(), {
      onSuccess: (sent) => walk.go({ step: "code", purpose: "login", sent, sentAtMs: Date.now() }),
    });
  }

  const fieldError = start.error instanceof ApiProblem ? start.error.fieldError("/identifier") : undefined;
  const error = empty
    ? "Enter your phone number or your email address."
    : (fieldError ?? (start.error ? problemWords(start.error) : undefined));
  return (
    <form onSubmit={submit} className={classes.form} noValidate>
      {ended ? (
        <p className={classes.notice} role="status">
          The session has ended. Log in and you are back where you were.
        </p>
      ) : (
        <p className={classes.lead}>
          We send a one-time code to the phone or email that you were given access with.
        </p>
      )}
      <TextInput
        ref={field}
        label="Phone number or email"
        value={identifier}
        onChange={(event) => {
          setEmpty(false);
          onChange(event.currentTarget.value);
        }}
        error={error}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={254}
        autoFocus
      />
      <div className={classes.actions}>
        <Button type="submit" size="md" loading={start.isPending}>
          Send code
        </Button>
      </div>
    </form>
  );
}
