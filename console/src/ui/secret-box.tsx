import { Button } from "@mantine/core";
import { type ReactElement, type ReactNode, useEffect, useRef } from "react";
import { CopyButton } from "./copy-button.tsx";
import classes from "./secret-box.module.css";
import type { SecretGuard } from "./use-secret-guard.ts";

/** The secret in its box with the ways to keep it; `children` are ways besides "Copy". */
export function SecretBox(props: {
  /** Such as "token". */
  kind: string;
  secret: string;
  onKept: () => void;
  children?: ReactNode;
}): ReactElement {
  const { kind, secret, onKept, children } = props;
  const box = useRef<HTMLElement>(null);
  const onlyNow = useRef<HTMLParagraphElement>(null);
  // The button that had the focus is gone. With the focus here, people who cannot see the secret hear that it is there.
  useEffect(() => onlyNow.current?.focus(), []);
  return (
    <>
      <p ref={onlyNow} tabIndex={-1} className={classes.onlyNow} data-only-now>
        You can see this {kind} only now.
      </p>
      <div className={classes.box}>
        {/* Copying by hand keeps it too. */}
        <code ref={box} className={classes.secret} onCopy={onKept} translate="no">
          {secret}
        </code>
      </div>
      <div className={classes.keep}>
        <CopyButton value={secret} label="Copy" words target={box} onCopied={onKept} />
        {children}
      </div>
    </>
  );
}

/** "Done", or the question whether to leave without it; `children` say what would be lost. */
export function SecretFoot(props: { kind: string; guard: SecretGuard; children: ReactNode }): ReactElement {
  const { asking, close, stay, leave } = props.guard;
  const question = useRef<HTMLDivElement>(null);

  /** Closes the question. Its button goes with it, so the focus moves to something that stays: where the secret is or will be. */
  function keepOpen(): void {
    const dialog = question.current?.closest<HTMLElement>('[role="dialog"]');
    (dialog?.querySelector<HTMLElement>("[data-only-now]") ?? dialog)?.focus();
    stay();
  }

  if (!asking) {
    return (
      <div className={classes.actions}>
        <Button variant="default" onClick={close}>
          Done
        </Button>
      </div>
    );
  }
  return (
    <div
      ref={question}
      className={classes.leave}
      role="alertdialog"
      aria-label={`Close without the ${props.kind}?`}
    >
      <p>{props.children}</p>
      <div className={classes.actions}>
        <Button variant="outline" color="urgent" onClick={leave}>
          Close without it
        </Button>
        <Button onClick={keepOpen} data-autofocus autoFocus>
          Keep it open
        </Button>
      </div>
    </div>
  );
}
