import { Button } from "@mantine/core";
import { type ReactElement, useState } from "react";
import { problemWords } from "../../lib/api.ts";
import { useStillThere } from "../../lib/use-still-there.ts";
import { useFocusWhenLost } from "../../ui/focus.ts";
import { Mono } from "../../ui/mono.tsx";
import { revokeToken, useRefreshTokens } from "./token-queries.ts";
import classes from "./tokens.module.css";

/**
 * The token exists but the answer with its secret was lost, so the only way on is to revoke it and generate again. If the dialog is closed
 * while the token is being revoked, no other one is generated.
 */
export function AlreadyIssued(props: {
  tokenId: string;
  onCancel: () => void;
  onRevoked: () => Promise<void>;
}): ReactElement {
  const { tokenId, onCancel, onRevoked } = props;
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const refresh = useRefreshTokens();
  const stillThere = useStillThere();
  // "Generate" had the focus and is gone, so the message takes it. After a refusal the button does, for the next try.
  const message = useFocusWhenLost<HTMLParagraphElement>(true);
  const button = useFocusWhenLost<HTMLButtonElement>(problem !== null && !pending);
  async function revokeAndGenerate(): Promise<void> {
    setPending(true);
    setProblem(null);
    try {
      await revokeToken(tokenId, "replaced");
      if (stillThere()) await onRevoked();
      else void refresh();
    } catch (error) {
      setProblem(error);
    }
    setPending(false);
  }
  return (
    <div role="alert" className={classes.stack}>
      <p ref={message} tabIndex={-1} className={classes.told}>
        This token was already generated, as <Mono>{tokenId}</Mono>, but the answer did not reach you. Its
        secret is not kept, so it cannot be shown. Revoke it and generate another one with the same choices.
      </p>
      {problem !== null && <p className={classes.problem}>{problemWords(problem)}</p>}
      <div className={classes.dialogActions}>
        <Button variant="default" onClick={onCancel} disabled={pending}>
          Cancel
        </Button>
        <Button ref={button} onClick={() => void revokeAndGenerate()} loading={pending}>
          Revoke it and generate again
        </Button>
      </div>
    </div>
  );
}
