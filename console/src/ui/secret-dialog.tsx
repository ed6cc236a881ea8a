import { Button, Modal } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from "react";
import { useHoldPage } from "../lib/held-page.ts";
import { CopyButton } from "./copy-button.tsx";
import { isFocusLost } from "./focus.ts";
import classes from "./secret-dialog.module.css";
import { useIsPhone } from "./use-is-phone.ts";

// What dialogs that end with a secret have in common: it is shown once, and nobody loses it by a slip.

/** Decides when the dialog may close and when it asks first. */
export interface SecretGuard {
  /** From now on there is something to lose. Called before the request, since the secret may be made while the person leaves. */
  readonly hold: () => void;
  /** Nothing is lost any more: it was copied or downloaded, or never made. */
  readonly release: () => void;
  /** Closes, or asks first. */
  readonly close: () => void;
  readonly asking: boolean;
  readonly stay: () => void;
  readonly leave: () => void;
}

/**
 * Asks before the dialog is closed, or left by a navigation or a reload, while its secret was not kept. Gives the focus back when the
 * dialog is gone.
 */
export function useSecretGuard(onClose: () => void): SecretGuard {
  const [asking, setAsking] = useState(false);
  // A ref, since the blocker reads it at the moment of a navigation, when the state of the last render may be stale.
  const mayLeave = useRef(true);
  useReturnFocus();
  const blocker = useBlocker({
    shouldBlockFn: () => !mayLeave.current,
    enableBeforeUnload: () => !mayLeave.current,
    withResolver: true,
  });
  // A ref, since the answer may come after somebody tried to leave, in a function of an earlier render.
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

/** What opened the first of the dialogs that are open, or that followed one another; null while there is none. */
let firstOpener: Element | null = null;

/**
 * Gives the focus back to what opened the dialog, unless what came in its place has it. The dialog leaves with its place in the address,
 * too suddenly for the modal's own way. A dialog that follows another one was opened from inside it, or just after it was gone, so the
 * focus goes to what opened the first. If nothing of that is left, or an address led straight to the dialog, it goes to the page's heading.
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

/** The window alone, which also serves forms without a secret. */
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
      // A press beside the dialog is a slip, and would throw away what was filled in.
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
