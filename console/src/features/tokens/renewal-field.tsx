import { Radio } from "@mantine/core";
import type { ReactElement } from "react";
import { Mono } from "../../ui/mono.tsx";
import { endOf, type Renewable } from "./renewable.ts";
import classes from "./tokens.module.css";

/** Which of the tokens that end soon the new one renews, if any. */
export function RenewalField(props: {
  candidates: readonly Renewable[];
  renewed: Renewable | undefined;
  /** Gets a token's id, or nothing where none is renewed. */
  onChange: (tokenId: string) => void;
  error: string | undefined;
  now: number;
  timeZone: string;
}): ReactElement {
  const { candidates, renewed, onChange, error, now, timeZone } = props;
  return (
    <Radio.Group
      label="Renewal"
      value={renewed?.tokenId ?? ""}
      onChange={onChange}
      className={classes.options}
      error={error}
      data-refused={error !== undefined}
    >
      {candidates.map((token) => (
        <Radio
          key={token.tokenId}
          value={token.tokenId}
          label={
            <>
              Renews <Mono>{token.tokenId}</Mono>
            </>
          }
          description={`${token.name}, ${endOf(token, { now, timeZone })}.`}
        />
      ))}
      <Radio value="" label="Renews nothing" description="A further token beside the others." />
    </Radio.Group>
  );
}
