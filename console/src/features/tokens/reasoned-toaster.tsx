import type { RevokeReason } from "@fusion/contract/tokens.ts";
import type { UseMutationResult } from "@tanstack/react-query";
import { type ReactElement, type ReactNode, useState } from "react";
import { ConfirmToaster } from "../../ui/confirm-toaster.tsx";
import { ReasonField } from "./reason-field.tsx";
import classes from "./tokens.module.css";

interface ReasonedToasterProps<Revocation, Revoked> {
  /** What is asked; null while nothing is. */
  readonly question: {
    readonly title: string;
    readonly confirmLabel: string;
    /** What is to be known before a reason is chosen. */
    readonly facts: ReactNode;
    readonly consequence: string;
    readonly revocation: (reason: RevokeReason) => Revocation;
  } | null;
  readonly revoke: UseMutationResult<Revoked, Error, Revocation>;
  readonly onCancel: () => void;
  readonly onRevoked: (revoked: Revoked) => void;
}

/** Asks for the reason of a revocation, and for a confirmation, before it is made. Each question begins without a reason. */
export function ReasonedToaster<Revocation, Revoked>({
  question,
  revoke,
  onCancel,
  onRevoked,
}: ReasonedToasterProps<Revocation, Revoked>): ReactElement {
  const [reason, setReason] = useState<RevokeReason>();
  const reset = (): void => {
    setReason(undefined);
    revoke.reset();
  };
  return (
    <ConfirmToaster
      opened={question !== null}
      title={question?.title}
      confirmLabel={question?.confirmLabel ?? "Confirm"}
      confirmDisabled={reason === undefined}
      pending={revoke.isPending}
      error={revoke.error}
      onCancel={() => {
        reset();
        onCancel();
      }}
      onConfirm={() => {
        if (question === null || reason === undefined) return;
        revoke.mutate(question.revocation(reason), {
          onSuccess: (revoked) => {
            reset();
            onRevoked(revoked);
          },
        });
      }}
    >
      {question && (
        <>
          {question.facts}
          <ReasonField reason={reason} onChange={setReason} />
          <p className={classes.soft}>{question.consequence} This cannot be undone.</p>
        </>
      )}
    </ConfirmToaster>
  );
}
