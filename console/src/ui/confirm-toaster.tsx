import { Button, FocusTrap, Portal } from "@mantine/core";
import { type ReactNode, useEffect, useEffectEvent, useId, useRef } from "react";
import { problemWords } from "../lib/api.ts";
import classes from "./confirm-toaster.module.css";
import { useReturnFocus } from "./use-return-focus.ts";

interface ConfirmToasterProps {
  readonly opened: boolean;
  /** Names what will happen to what: "Revoke tok_…?" */
  readonly title: ReactNode;
  /** The consequence, then what is asked. Its first control gets the focus. */
  readonly children: ReactNode;
  readonly confirmLabel?: string;
  readonly confirmDisabled?: boolean;
  readonly pending?: boolean;
  readonly error?: unknown;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
}

/**
 * A confirmation in the corner: an alertdialog that takes the focus and never times out. Until it is answered, or cancelled by Escape, the
 * page behind takes no press and no key, so that what is confirmed is what was asked.
 */
export function ConfirmToaster(props: ConfirmToasterProps) {
  if (!props.opened) return null;
  return (
    <Portal>
      <div className={classes.behind} />
      <FocusTrap active>
        <Toaster {...props} />
      </FocusTrap>
    </Portal>
  );
}

function Toaster({
  title,
  children,
  confirmLabel = "Confirm",
  confirmDisabled = false,
  pending = false,
  error,
  onConfirm,
  onCancel,
  ref,
}: ConfirmToasterProps & { ref?: React.Ref<HTMLDivElement> }) {
  const id = useId();
  const confirm = useRef<HTMLButtonElement>(null);
  const failed = error !== undefined && error !== null;
  useReturnFocus();
  useInertPage();
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    // A list that is open inside handles its own Escape first.
    if (event.key === "Escape" && !event.defaultPrevented && !pending) onCancel();
  });
  useEffect(() => {
    // Listens on the window, since nothing has the focus after a press beside the toaster.
    const listener = (event: KeyboardEvent): void => onKey(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
  useEffect(() => {
    // The button lost the focus while it was busy.
    if (failed && !pending) confirm.current?.focus();
  }, [failed, pending]);
  return (
    <div
      ref={ref}
      className={classes.toaster}
      role="alertdialog"
      aria-modal="true"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-body`}
      tabIndex={-1}
    >
      <h2 id={`${id}-title`}>{title}</h2>
      <div id={`${id}-body`} className={classes.body}>
        {children}
      </div>
      {failed && (
        <p role="alert" className={classes.problem}>
          {problemWords(error)}
        </p>
      )}
      <div className={classes.actions}>
        <Button variant="default" onClick={onCancel} disabled={pending}>
          Cancel
        </Button>
        <Button ref={confirm} color="urgent" onClick={onConfirm} loading={pending} disabled={confirmDisabled}>
          {confirmLabel}
        </Button>
      </div>
    </div>
  );
}

/** Makes the page unusable meanwhile: everything that is not in a portal. */
function useInertPage(): void {
  useEffect(() => {
    const page = document.getElementById("root");
    if (page === null) return;
    page.inert = true;
    return () => {
      page.inert = false;
    };
  }, []);
}
