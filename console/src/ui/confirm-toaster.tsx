import { Button, FocusTrap, Portal } from "@mantine/core";
import { useFocusReturn } from "@mantine/hooks";
import { type ReactNode, useId } from "react";
import { problemWords } from "../lib/api.ts";
import classes from "./confirm-toaster.module.css";

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

/** A confirmation in the corner: an alertdialog that takes the focus, is cancelled by Escape, and never times out. */
export function ConfirmToaster(props: ConfirmToasterProps) {
  const { opened } = props;
  useFocusReturn({ opened, shouldReturnFocus: true });
  if (!opened) return null;
  return (
    <Portal>
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
  return (
    <div
      ref={ref}
      className={classes.toaster}
      role="alertdialog"
      aria-modal="true"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-body`}
      tabIndex={-1}
      onKeyDown={(event) => {
        // A list that is open inside takes its own Escape first.
        if (event.key === "Escape" && !event.defaultPrevented && !pending) onCancel();
      }}
    >
      <h2 id={`${id}-title`}>{title}</h2>
      <div id={`${id}-body`} className={classes.body}>
        {children}
      </div>
      {error !== undefined && error !== null && (
        <p role="alert" className={classes.problem}>
          {problemWords(error)}
        </p>
      )}
      <div className={classes.actions}>
        <Button variant="default" onClick={onCancel} disabled={pending}>
          Cancel
        </Button>
        <Button color="urgent" onClick={onConfirm} loading={pending} disabled={confirmDisabled}>
          {confirmLabel}
        </Button>
      </div>
    </div>
  );
}
