import { Button, Modal } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from "react";
import { useHoldPage } from "../lib/held-page.ts";
import { CopyButton } from "./copy-button.tsx";
import { isFocusLost } from "./focus.ts";
import classes from "./secret-dialog.module.css";
import { useIsPhone } from "./use-is-phone.ts";

// What dialogs that end with a secret have in common: it is shown once, and nobody loses it by a slip.

/** Who may close the dialog, and when somebody has to ask first. */
export interface SecretGuard {
  /** From now on there is something to lose: already while it is asked for, since the answer may be made when the person leaves. */
  readonly hold: () => void;
  /** Nothing is lost any more: it was copied or downloaded, or never made. */
  readonly release: () => void;
  /** Closes, or asks first. */
  readonly close: () => void;
  readonly asking: boolean;
  readonly stay: () => void;
  readonly leave: () => void;
}

/** Asks before the dialog is closed, or left by a navigation or a reload, while its secret was not kept. Gives the focus back when it is gone. */
export function useSecretGuard(onClose: () => void): SecretGuard {
  const [asking, setAsking] = useState(false);
  // Read by the blocker at the very moment of a navigation, when the state of the last render may be old.
  const mayLeave = useRef(true);
  useReturnFocus();
  const blocker = useBlocker({
    shouldBlockFn: () => !mayLeave.current,
    enableBeforeUnload: () => !mayLeave.current,
    withResolver: true,
  });
  // The answer may come after somebody tried to leave, in a function that was made before.
  const latest = useRef(blocker);
  latest.current = blocker;

  function stay(): void {
    setAsking(false);
    if (latest.current.status === "blocked") latest.current.reset();
  }

  return {
    asking: asking || blocker.status === "blocked",
    hold: () => {
      mayLeave.current = false;
    },
    release: () => {
      mayLeave.current = true;
      stay();
    },
    close: () => {
      if (mayLeave.current) onClose();
      else setAsking(true);
    },
    stay,
    leave: () => {
      mayLeave.current = true;
      if (blocker.status === "blocked") blocker.proceed();
      else onClose();
    },
  };
}

/** What opened the first of the dialogs that are open, or followed one another; null while there is none. */
let firstOpener: Element | null = null;

/**
 * Gives the focus back to what opened the dialog, unless what came in its place has it. The dialog leaves with its place in the address, too
 * suddenly for the modal's own way. What follows another dialog was opened from inside of that, which is gone, or when it had just gone: then to
 * what opened the first. Where nothing is left of that, or an address led straight to the dialog, to the heading of the page.
 */
export function useReturnFocus(): void {
  const [openers] = useState(() => {
    const active = document.activeElement === document.body ? null : document.activeElement;
    return active === null || active.closest('[role="dialog"]') ? [active, firstOpener] : [active];
  });
  useEffect(() => {
    if (openers.length === 1) firstOpener = openers[0] ?? null;
    return () => {
      setTimeout(() => {
        const dialogIsOpen = document.querySelector('[role="dialog"]') !== null;
        if (isFocusLost()) {
          const remaining = openers.find((opener) => opener?.isConnected && !opener.matches(":disabled"));
          if (remaining instanceof HTMLElement) remaining.focus();
          else if (!dialogIsOpen) document.querySelector("h1")?.focus({ preventScroll: true });
        }
        if (!dialogIsOpen) firstOpener = null;
      }, 50);
    };
  }, [openers]);
}

/** The window alone, which serves a form without a secret as well. */
export function SecretDialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}): ReactElement {
  const phone = useIsPhone();
  useHoldPage();
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      size="38rem"
      fullScreen={phone}
      // A press beside it is a slip, and would throw away what was filled in.
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": "Close" }}
      classNames={{ title: classes.title }}
    >
      {props.children}
    </Modal>
  );
}

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
  // The button that had the focus is gone; with the focus here, who does not see the secret hears that it is there.
  useEffect(() => onlyNow.current?.focus(), []);
  return (
    <>
      <p ref={onlyNow} tabIndex={-1} className={classes.onlyNow} data-only-now>
        You can see this {kind} only now.
      </p>
      <div className={classes.box}>
        {/* Copying by hand is keeping it, too. */}
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

  /** The question goes, and the button in it: on with what stays, where the secret is or will be. */
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
