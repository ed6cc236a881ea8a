import type { Expiry } from "@fusion/contract/tokens.ts";
import { Input, SegmentedControl, TextInput } from "@mantine/core";
import { type ReactElement, useEffect, useId, useRef } from "react";
import { Temporal } from "temporal-polyfill";
import classes from "./tokens.module.css";

const presets = [30, 90, 180, 365];

/** What is chosen: a preset's days, or `date` with a day such as `2027-11-23`. */
export interface DurationChoice {
  preset: string;
  date: string;
}

export function expiryOf({ preset, date }: DurationChoice): Expiry | undefined {
  if (preset !== "date") return { days: Number(preset) };
  return /^\d{4}-\d{2}-\d{2}$/.test(date) ? { date } : undefined;
}

/** Whether the chosen day is today or in the past: a token lasts until tomorrow at least. */
export function endsTooSoon(
  { preset, date }: DurationChoice,
  { timeZone, now }: { timeZone: string; now: number },
): boolean {
  return preset === "date" && date !== "" && date <= todayIn(timeZone, now).toString();
}

function todayIn(timeZone: string, now: number): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone).toPlainDate();
}

/** How long the token works: a preset, or a day of the fintech's calendar at most `daysMax` days ahead. */
export function DurationField(props: {
  choice: DurationChoice;
  onChange: (choice: DurationChoice) => void;
  daysMax: number;
  timeZone: string;
  now: number;
  error: string | undefined;
  /** Whether the request was refused because of this field. */
  refused: boolean;
}): ReactElement {
  const { choice, onChange, daysMax, timeZone, now, error } = props;
  const id = useId();
  const offered = presets.filter((days) => days <= daysMax);
  if (offered.length === 0) offered.push(daysMax);
  const today = todayIn(timeZone, now);
  const field = useRef<HTMLDivElement>(null);
  const byDate = choice.preset === "date";
  const wrong = error !== undefined;
  // The day's field or the error that has just appeared may lie below what is visible.
  useEffect(() => {
    if (byDate || wrong) field.current?.scrollIntoView({ block: "nearest" });
  }, [byDate, wrong]);
  return (
    <div ref={field} className={classes.duration} data-refused={props.refused}>
      <Input.Label id={id} labelElement="div">
        Duration
      </Input.Label>
      <SegmentedControl
        aria-labelledby={id}
        fullWidth
        className={classes.segments}
        value={choice.preset}
        onChange={(preset) => onChange({ ...choice, preset })}
        data={[
          ...offered.map((days) => ({ value: String(days), label: `${days} days` })),
          { value: "date", label: "Date" },
        ]}
      />
      {byDate && (
        <TextInput
          type="date"
          label="Last day"
          description={`At most ${daysMax} days from today.`}
          value={choice.date}
          min={today.add({ days: 1 }).toString()}
          max={today.add({ days: daysMax }).toString()}
          onChange={(event) => onChange({ ...choice, date: event.currentTarget.value })}
        />
      )}
      {wrong && (
        <p role="alert" className={classes.problem}>
          {error}
        </p>
      )}
    </div>
  );
}
