import type { RevokedToken, RevokeReason } from "@fusion/contract/tokens.ts";
import type { ReactElement } from "react";
import { Mono } from "../../ui/mono.tsx";
import { RecentUse } from "./recent-use.tsx";
import { RevokeQuestion } from "./revoke-question.tsx";
import { revokeToken } from "./token-queries.ts";
import classes from "./tokens.module.css";
import { type AskedOf, Whose } from "./whose.tsx";

export interface RevokeToasterProps {
  token: { tokenId: string; hint: string; name: string };
  of: AskedOf;
  /** The reason, where the control that was pressed implies it. */
  reason?: RevokeReason | undefined;
  onCancel: () => void;
  onRevoked: (fact: RevokedToken) => void;
}

/** Asks before a token is revoked: what it did lately, why, and a button that names it. */
export function RevokeToaster({ token, of, reason, onCancel, onRevoked }: RevokeToasterProps): ReactElement {
  return (
    <RevokeQuestion
      // Another token is another question.
      key={token.tokenId}
      // A token and its replacement often have the same name.
      title={
        <>
          Revoke {token.name}? <Mono>{token.hint}</Mono>
        </>
      }
      reason={reason}
      confirmLabel={`Confirm: revoke ${token.hint}`}
      refused="It is refused"
      revoke={(reason) => revokeToken(token.tokenId, reason)}
      onCancel={onCancel}
      onRevoked={onRevoked}
    >
      <Whose of={of} />
      <p className={classes.idLine}>
        <Mono>{token.tokenId}</Mono>
      </p>
      <RecentUse tokenId={token.tokenId} />
    </RevokeQuestion>
  );
}
