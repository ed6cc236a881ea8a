import type { PlannedRevocation, TokenDetails } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { type ReactElement, useState } from "react";
import { countdown } from "../../lib/time.ts";
import { ConfirmToaster } from "../../ui/confirm-toaster.tsx";
import { Mono } from "../../ui/mono.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { overlapSentence } from "./overlap-words.ts";
import { useKeep } from "./token-queries.ts";
import classes from "./tokens.module.css";

/** When a renewed token is revoked, as chosen at its renewal, and how to call that off. */
export function PlannedEnd(props: {
  token: TokenDetails;
  plan: PlannedRevocation;
  now: number;
}): ReactElement {
  const { token, plan, now } = props;
  const keep = useKeep(token.tokenId);
  const [asking, setAsking] = useState(false);
  return (
    <div className={classes.allowed}>
      {plan.at === null ? (
        <span>It {overlapSentence(plan)}</span>
      ) : (
        <>
          <ExactTime instant={plan.at} />
          <span className={classes.soft}>{countdown(plan.at, now)} left</span>
        </>
      )}
      <span className={classes.soft}>Planned at its renewal by {plan.plannedBy}</span>
      {token.canManage && (
        <Button variant="default" size="xs" onClick={() => setAsking(true)}>
          Keep it until it expires
        </Button>
      )}
      <ConfirmToaster
        opened={asking}
        title={
          <>
            Keep {token.name}? <Mono>{token.hint}</Mono>
          </>
        }
        confirmLabel="Keep it until it expires"
        pending={keep.isPending}
        error={keep.error}
        onCancel={() => {
          setAsking(false);
          keep.reset();
        }}
        onConfirm={() => keep.mutate(undefined, { onSuccess: () => setAsking(false) })}
      >
        <p className={classes.consequence}>
          It then works until <ExactTime instant={token.expiresAt} /> unless somebody revokes it: the plan is
          called off for good.
        </p>
      </ConfirmToaster>
    </div>
  );
}
