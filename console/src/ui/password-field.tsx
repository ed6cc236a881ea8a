import { passwordLength } from "@fusion/contract/login.ts";
import { PasswordInput } from "@mantine/core";
import { type ReactElement, type Ref, useId } from "react";
import { lengthFault, passwordLengthOf, passwordLengthWords } from "../lib/password-length.ts";
import classes from "./password-field.module.css";

interface PasswordFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (password: string) => void;
  /** What is wrong with it. */
  readonly error?: string | undefined;
  /** What password managers do with it. */
  readonly autoComplete: "current-password" | "new-password";
  readonly autoFocus?: boolean;
  readonly inputRef?: Ref<HTMLInputElement>;
}

/** A password that can be shown, which makes a second field for it unnecessary. */
export function PasswordField(props: PasswordFieldProps): ReactElement {
  const { label, value, onChange, error, autoComplete, autoFocus = false, inputRef } = props;
  const id = useId();
  return (
    <PasswordInput
      id={id}
      ref={inputRef}
      label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
      // Mantine sets this on other fields, but not on this kind.
      aria-invalid={error === undefined ? undefined : true}
      autoComplete={autoComplete}
      visibilityToggleButtonProps={{
        "aria-label": "Show or hide the password",
        "aria-describedby": `${id}-label`,
        tabIndex: 0,
      }}
      autoFocus={autoFocus}
      data-autofocus={autoFocus || undefined}
    />
  );
}

/** The field for a new password. It shows the length while somebody types. */
export function NewPasswordField(props: Omit<PasswordFieldProps, "label" | "autoComplete">): ReactElement {
  const length = passwordLengthOf(props.value);
  return (
    <div className={classes.field}>
      <PasswordField {...props} label="New password" autoComplete="new-password" />
      <p className={classes.length} data-fits={lengthFault(props.value) === undefined}>
        <span className={classes.gauge} aria-hidden>
          <span style={{ width: `${Math.min(100, (length / passwordLength.min) * 100)}%` }} />
        </span>
        <span className="figures">{passwordLengthWords(length)}</span>
      </p>
    </div>
  );
}

/** What a new password has to be. */
export const newPasswordRules = `${passwordLength.min} to ${passwordLength.max} characters, anything you like: a sentence is easy to keep. Not one of the passwords that everybody tries.`;
