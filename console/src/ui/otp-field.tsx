import { type CSSProperties, type RefObject, useId } from "react";
import classes from "./otp-field.module.css";

interface OtpFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Called once when the last figure arrives. */
  readonly onComplete: (value: string) => void;
  readonly length: number;
  readonly label?: string;
  readonly error?: string | undefined;
  readonly readOnly?: boolean;
  readonly autoFocus?: boolean;
  readonly inputRef?: RefObject<HTMLInputElement | null>;
}

/** A one-time code in one field with large figures: pastes and autofills (spaces and dashes are dropped), submits itself when complete. */
export function OtpField(props: OtpFieldProps) {
  const {
    value,
    onChange,
    onComplete,
    length,
    label = "One-time code",
    error,
    readOnly,
    autoFocus,
    inputRef,
  } = props;
  const id = useId();
  const style = { "--length": length } as CSSProperties;
  return (
    <div className={classes.wrapper}>
      <label htmlFor={id} className={classes.label}>
        {label}
      </label>
      <input
        id={id}
        ref={inputRef}
        className={classes.input}
        style={style}
        value={value}
        onChange={(event) => {
          const figures = event.currentTarget.value.replace(/\D/g, "").slice(0, length);
          if (figures === value) return;
          onChange(figures);
          if (figures.length === length) onComplete(figures);
        }}
        inputMode="numeric"
        autoComplete="one-time-code"
        autoCorrect="off"
        spellCheck={false}
        // biome-ignore lint/a11y/noAutofocus: the field is the step that was just asked for
        autoFocus={autoFocus}
        readOnly={readOnly}
        aria-invalid={error !== undefined}
        aria-describedby={error === undefined ? undefined : `${id}-error`}
      />
      {error !== undefined && (
        <p id={`${id}-error`} className={classes.error} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
