import type { RevokeReason } from "@fusion/contract/tokens.ts";
import { useMutation } from "@tanstack/react-query";
import { type ReactElement, type ReactNode, useState } from "react";
import { ConfirmToaster } from "../../ui/confirm-toaster.tsx";
import { ReasonField } from "./reason-field.tsx";
import { useRefreshTokens } from "./token-queries.ts";
import classes from "./tokens.module.css";

interface RevokeQuestionProps<Revoked> {
  /** "Revoke Nightly job?" */
  title: ReactNode;
  /** The reason that is selected at first, where it is known. */
  reason?: RevokeReason | undefined;
  /** The label of the button that revokes. It names what it will revoke. */
  confirmLabel: string;
  /** What revoking means, above the reasons. */
  children: ReactNode;
  /** "It is refused", "They are refused". */
  refused: string;
  revoke: (reason: RevokeReason) => Promise<Revoked>;
  onCancel: () => void;
  onRevoked: (revoked: Revoked) => void;
}

/**
 * Asks before anything is revoked: what it means, why, and a button that names it. A reason chosen for one question is not kept for the
 * next.
 */
export function RevokeQuestion<Revoked>(props: RevokeQuestionProps<Revoked>): ReactElement {
  const [reason, setReason] = useState(props.reason);
  const refresh = useRefreshTokens();
  const revocation = useMutation({ mutationFn: props.revoke, onSuccess: () => void refresh() });
  return (
    <ConfirmToaster
      opened
      title={props.title}
      confirmLabel={props.confirmLabel}
      confirmDisabled={reason === undefined}
      pending={revocation.isPending}
      error={revocation.error}
      onCancel={props.onCancel}
      onConfirm={() => {
        if (reason !== undefined) revocation.mutate(reason, { onSuccess: props.onRevoked });
      }}
    >
      {props.children}
      <ReasonField reason={reason} onChange={setReason} />
      <p className={classes.soft}>{props.refused} everywhere at once. This cannot be undone.</p>
    </ConfirmToaster>
  );
}
