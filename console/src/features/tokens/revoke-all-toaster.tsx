import type { RevokedToken } from "@fusion/contract/tokens.ts";
import type { ReactElement } from "react";
import { RecentUseOfAll } from "./recent-use.tsx";
import { RevokeQuestion } from "./revoke-question.tsx";
import { revokeAllTokens } from "./token-queries.ts";
import classes from "./tokens.module.css";
import { type AskedOf, Whose } from "./whose.tsx";

/** Asks before every active token of an application is revoked. */
export function RevokeAllToaster({
  application: { applicationId, name, tokens, environment, fintechName },
  onCancel,
  onRevoked,
}: {
  application: {
    applicationId: string;
    name: string;
    tokens: number;
    environment: AskedOf["environment"];
    fintechName: string;
  };
  onCancel: () => void;
  onRevoked: (revoked: readonly RevokedToken[]) => void;
}): ReactElement {
  return (
    <RevokeQuestion
      title={`Revoke all ${tokens} active tokens of ${name}?`}
      confirmLabel={`Confirm: revoke all ${tokens}`}
      refused="They are refused"
      revoke={(reason) => revokeAllTokens(applicationId, reason)}
      onCancel={onCancel}
      onRevoked={(revoked) => onRevoked(revoked.tokens)}
    >
      <Whose of={{ environment, fintechName }} />
      <RecentUseOfAll applicationId={applicationId} />
      <p className={classes.consequence}>Every program that calls with one of them stops at once.</p>
    </RevokeQuestion>
  );
}
