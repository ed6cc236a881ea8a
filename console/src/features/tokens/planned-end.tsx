import type { PlannedRevocation, TokenDetails } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import type { ReactElement } from "react";
import { problemWords } from "../../lib/api.ts";
import { countdown } from "../../lib/time.ts";
import { ExactTime } from "../../ui/relative-time.tsx";
import { overlapSentence } from "./overlap-words.ts";
import { useKeep } from "./token-queries.ts";
import classes from "./tokens.module.css";

/** When a renewed token is revoked, as was chosen at its renewal, and how to call that off. */
export function PlannedEnd(props: {
  token: TokenDetails;
  plan: PlannedRevocation;
  now: number;
}): ReactElement {
  const { token, plan, now } = props;
  const keep = useKeep(token.tokenId);
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
      {token.canRevoke && (
        <Button variant="default" size="xs" loading={keep.isPending} onClick={() => keep.mutate()}>
          Keep it until it expires
        </Button>
      )}
      {keep.isError && (
        <p role="alert" className={classes.problem}>
          {problemWords(keep.error)}
        </p>
      )}
    </div>
  );
}
