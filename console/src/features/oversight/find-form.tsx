import { Button, TextInput } from "@mantine/core";
import type { UseMutationResult } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { type ReactElement, type ReactNode, useState } from "react";
import { ErrorState } from "../../ui/states.tsx";
import classes from "./oversight.module.css";

/** A field that looks up one thing and opens its page. The text stays out of the address, since it may be a phone number. */
export function FindForm<Found>(props: {
  label: string;
  description: string;
  /** Yields undefined when nothing is found. */
  finding: UseMutationResult<Found | undefined, Error, string>;
  /** Called only while the form is mounted: somebody who has left the page meanwhile is not led back. */
  onFound: (found: Found) => void;
  /** What to say when nothing is found. */
  nothing: ReactNode;
}): ReactElement {
  const { finding } = props;
  const [typed, setTyped] = useState("");
  return (
    <search className={classes.find}>
      <form
        className={classes.findForm}
        onSubmit={(event) => {
          event.preventDefault();
          const text = typed.trim();
          if (text === "") return;
          finding.mutate(text, { onSuccess: (found) => found !== undefined && props.onFound(found) });
        }}
      >
        <TextInput
          label={props.label}
          description={props.description}
          value={typed}
          maxLength={300}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          className={classes.findField ?? ""}
        />
        <Button
          type="submit"
          size="md"
          variant="default"
          loading={finding.isPending}
          leftSection={<Search size={16} aria-hidden />}
        >
          Find
        </Button>
      </form>
      <div role="status">
        {finding.isSuccess && finding.data === undefined && (
          <p className={classes.nothing}>
            <strong>Nothing found for “{finding.variables}”.</strong> {props.nothing}
          </p>
        )}
      </div>
      {finding.isError && <ErrorState error={finding.error} />}
    </search>
  );
}
