import { type RevokeReason, revokeReasonWords } from "@fusion/contract/tokens.ts";
import { Radio } from "@mantine/core";
import type { ReactElement } from "react";
import classes from "./tokens.module.css";

/** Why something is revoked. */
export function ReasonField({
  reason,
  onChange,
}: {
  reason: RevokeReason | undefined;
  onChange: (reason: RevokeReason) => void;
}): ReactElement {
  return (
    <Radio.Group
      className={classes.reasons}
      label="Why?"
      value={reason ?? null}
      onChange={(value) => onChange(value as RevokeReason)}
    >
      {Object.entries(revokeReasonWords).map(([value, words]) => (
        // The chosen one takes the focus, as it would from Tab.
        <Radio
          key={value}
          value={value}
          label={words}
          size="sm"
          data-autofocus={value === reason ? true : undefined}
        />
      ))}
    </Radio.Group>
  );
}
