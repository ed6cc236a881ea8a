import { type Scope, scopeSentences } from "@fusion/contract/scopes.ts";
import { Checkbox } from "@mantine/core";
import type { ReactElement } from "react";
import { Mono } from "../../ui/mono.tsx";
import classes from "./tokens.module.css";

/** What the token may do, of what its application may. */
export function ScopeField(props: {
  allowed: readonly Scope[];
  chosen: readonly Scope[];
  onChange: (scopes: Scope[]) => void;
  error: string | undefined;
}): ReactElement {
  const { allowed, chosen, onChange, error } = props;
  const everything = chosen.includes("admin");
  return (
    <Checkbox.Group
      label="Scope"
      value={[...chosen]}
      onChange={(value) => onChange(value.includes("admin") ? ["admin"] : (value as Scope[]))}
      className={classes.options}
      error={error}
      data-refused={error !== undefined}
    >
      {/* `admin` includes all the others, so there is nothing to choose among them. */}
      {allowed
        .filter((scope) => !everything || scope === "admin")
        .map((scope) => (
          <Checkbox
            key={scope}
            value={scope}
            label={<Mono>{scope}</Mono>}
            description={
              everything && allowed.length > 1
                ? `${scopeSentences[scope]}. Untick it to choose less.`
                : scopeSentences[scope]
            }
          />
        ))}
    </Checkbox.Group>
  );
}
