import type { RevokedToken, RevokeReason } from "@fusion/contract/tokens.ts";
import { type ReactElement, useState } from "react";
import { ConfirmToaster } from "../../ui/confirm-toaster.tsx";
import { ReasonField } from "./reason-field.tsx";
import { useRevokeAllTokens } from "./token-queries.ts";
import classes from "./tokens.module.css";

/** Asks before every live token of an application is revoked. */
export function RevokeAllToaster({
  application,
  onCancel,
  onRevoked,
}: {
  /** Null while nothing is asked. */
  application: { applicationId: string; name: string; tokens: number } | null;
  onCancel: () => void;
  onRevoked: (revoked: readonly RevokedToken[]) => void;
}): ReactElement {
  const [reason, setReason] = useState<RevokeReason>();
  const revoke = useRevokeAllTokens();
  const reset = (): void => {
    setReason(undefined);
    revoke.reset();
  };
  return (
    <ConfirmToaster
      opened={application !== null}
      title={application && `Revoke all ${application.tokens} live tokens of ${application.name}?`}
      confirmLabel={application ? `Confirm: revoke all ${application.tokens}` : "Confirm"}
      confirmDisabled={reason === undefined}
      pending={revoke.isPending}
      error={revoke.error}
      onCancel={() => {
        reset();
        onCancel();
      }}
      onConfirm={() => {
        if (application === null || reason === undefined) return;
        revoke.mutate(
          { applicationId: application.applicationId, reason },
          {
            onSuccess: ({ tokens }) => {
              reset();
              onRevoked(tokens);
            },
          },
        );
      }}
    >
      {application && (
        <>
          <p className={classes.consequence}>Every program that calls with one of them stops at once.</p>
          <ReasonField reason={reason} onChange={setReason} />
          <p className={classes.soft}>They are refused everywhere at once. This cannot be undone.</p>
        </>
      )}
    </ConfirmToaster>
  );
}
