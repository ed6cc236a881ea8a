import { TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { type ReactElement, useEffect, useEffectEvent, useRef, useState } from "react";
import classes from "./search-field.module.css";

/** How long typing pauses before the text goes into the address. */
const settledMs = 250;

interface SearchFieldProps {
  readonly label: string;
  readonly description: string;
  /** What the address asks for. */
  readonly value: string;
  /** Called with the trimmed text when typing pauses. If the address takes something else, the field shows that. */
  readonly onSettled: (text: string) => void;
  /** How much is left, in a few words, shown and announced; empty while nothing is searched. */
  readonly outcome: string;
  /** Enter was pressed. */
  readonly onEnter?: () => void;
}

/** A field that narrows the list below it while somebody types. Its owner keeps the text in the address; Escape empties it. */
export function SearchField(props: SearchFieldProps): ReactElement {
  const { label, description, value, onSettled, outcome, onEnter } = props;
  const [text, setText] = useState(value);
  const settled = useRef(value);
  const settle = useEffectEvent((typed: string) => {
    settled.current = typed;
    if (typed !== value) onSettled(typed);
  });
  useEffect(() => {
    const timer = setTimeout(() => settle(text.trim()), settledMs);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    // A link or the browser's back changed the address, not this field.
    if (value === settled.current) return;
    settled.current = value;
    setText(value);
  }, [value]);
  return (
    <search className={classes.search}>
      <TextInput
        type="search"
        label={label}
        description={description}
        leftSection={<Search size={16} aria-hidden />}
        autoComplete="off"
        spellCheck={false}
        maxLength={100}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && text !== "") setText("");
          if (event.key === "Enter") onEnter?.();
        }}
        className={classes.field ?? ""}
      />
      <p role="status" className={classes.outcome}>
        {outcome}
      </p>
    </search>
  );
}
