import type { RevokedToken } from "@fusion/contract/tokens.ts";
import type { ReactElement } from "react";
import { ReasonedToaster } from "./reasoned-toaster.tsx";
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
  const revoke = useRevokeAllTokens();
  return (
    <ReasonedToaster
      question={
        application && {
          title: `Revoke all ${application.tokens} live tokens of ${application.name}?`,
          confirmLabel: `Confirm: revoke all ${application.tokens}`,
          facts: (
            <p className={classes.consequence}>Every program that calls with one of them stops at once.</p>
          ),
          consequence: "They are refused everywhere at once.",
          revocation: (reason) => ({ applicationId: application.applicationId, reason }),
        }
      }
      revoke={revoke}
      onCancel={onCancel}
      onRevoked={({ tokens }) => onRevoked(tokens)}
    />
  );
}
