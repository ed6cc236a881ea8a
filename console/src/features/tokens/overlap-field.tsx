import { Overlap, type OverlapFrom } from "@fusion/contract/tokens.ts";
import { Checkbox, Input, SegmentedControl } from "@mantine/core";
import { type ReactElement, useId } from "react";
import { overlapWords } from "./overlap-words.ts";
import classes from "./tokens.module.css";

export interface OverlapChoice {
  readonly overlap: Overlap;
  readonly overlapFrom: OverlapFrom;
}

/** How long the renewed token goes on working, and from when that counts. The dialog's summary says when that ends. */
export function OverlapField(props: {
  choice: OverlapChoice;
  onChange: (choice: OverlapChoice) => void;
}): ReactElement {
  const { choice, onChange } = props;
  const id = useId();
  return (
    <div className={classes.duration}>
      <Input.Label id={id} labelElement="div">
        Overlap
      </Input.Label>
      <SegmentedControl
        aria-labelledby={id}
        fullWidth
        className={classes.segments}
        value={choice.overlap}
        onChange={(overlap) => onChange({ ...choice, overlap: overlap as Overlap })}
        data={Overlap.options.map((value) => ({ value, label: overlapWords[value] }))}
      />
      {choice.overlap !== "until_expiry" && (
        <Checkbox
          label="Count from the first use of the new token"
          checked={choice.overlapFrom === "first_use"}
          onChange={(event) =>
            onChange({ ...choice, overlapFrom: event.currentTarget.checked ? "first_use" : "now" })
          }
        />
      )}
    </div>
  );
}
