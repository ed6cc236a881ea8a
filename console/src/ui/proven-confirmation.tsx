import type { ReactNode } from "react";
import { ConfirmToaster } from "./confirm-toaster.tsx";
import { FormDialog } from "./form-dialog.tsx";
import { useProof } from "./proven-form.tsx";
import { StepUp } from "./step-up.tsx";
import { useReturnFocus } from "./use-return-focus.ts";

interface ProvenConfirmationProps {
  /** Names what will happen to whom: "End the access of Asha Rao?" */
  readonly question: string;
  /** The consequence. */
  readonly children: ReactNode;
  readonly confirmLabel: string;
  /** This and `doing` are passed on to {@link StepUp}. */
  readonly because: string;
  readonly doing: string;
  readonly change: { readonly isPending: boolean; readonly error: unknown; reset(): void };
  /** Makes the change; rejects with the server's refusal. */
  readonly onConfirm: () => Promise<unknown>;
  /** Called after the change was made or cancelled. */
  readonly onClose: () => void;
}

/**
 * Asks before a person's access is changed, and for a proof of presence where the server wants one. The focus goes back to the control that
 * was pressed first.
 */
export function ProvenConfirmation(props: ProvenConfirmationProps) {
  const { question, children, confirmLabel, because, doing, change, onConfirm, onClose } = props;
  const proof = useProof(change);
  useReturnFocus();

  function close(): void {
    if (change.isPending) return;
    change.reset();
    onClose();
  }

  function confirm(): void {
    onConfirm().then(onClose, proof.refused);
  }

  if (proof.proving)
    return (
      <FormDialog title={question} onClose={close}>
        <StepUp
          because={because}
          doing={change.isPending ? doing : null}
          onDone={confirm}
          onBack={proof.back}
        />
      </FormDialog>
    );
  return (
    <ConfirmToaster
      opened
      title={question}
      confirmLabel={confirmLabel}
      pending={change.isPending}
      error={change.error}
      onCancel={close}
      onConfirm={confirm}
    >
      {children}
    </ConfirmToaster>
  );
}
