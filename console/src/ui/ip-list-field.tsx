import { Textarea } from "@mantine/core";
import type { ReactElement } from "react";
import type { ApiProblem } from "../lib/api.ts";

/** The entries of a list as it is typed: one per line, or separated by commas or spaces. */
export function rangesOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((range) => range !== "");
}

/** A field for addresses and CIDR ranges, as text. Beneath it stands what the server finds wrong with entries. */
export function IpListField(props: {
  text: string;
  onChange: (text: string) => void;
  description: string;
  problem: ApiProblem | undefined;
  autoFocus?: boolean;
}): ReactElement {
  const errors = props.problem?.fieldErrors.filter(({ pointer }) => pointer.startsWith("/ipAllowList")) ?? [];
  return (
    <Textarea
      label="Allowed IP addresses"
      description={props.description}
      placeholder={"203.0.113.0/24\n2001:db8::/32"}
      rows={4}
      value={props.text}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      error={errors.length === 0 ? undefined : errors.map(({ detail }) => `${detail}.`).join(" ")}
      autoComplete="off"
      spellCheck={false}
      maxLength={4_000}
      {...(props.autoFocus ? { "data-autofocus": true } : {})}
    />
  );
}
