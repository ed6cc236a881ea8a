import { type Command, Help, type Option } from "commander";
import type { DomainError } from "../platform/errors.ts";

/**
 * An error in terms of the command that was typed: a use case names its fields (`ifiId`, `scopes/0`), a person knows options (`--id`,
 * `--scope`). The only place that translates one into the other.
 */
export function inOptionWords(error: DomainError, command: Command | undefined): string {
  if (error.fieldErrors.length === 0) return error.message;
  const details = error.fieldErrors.map(({ pointer, detail }) => {
    const [field = "", ...inside] = pointer.split("/").slice(1);
    const option = findOption(command, field);
    // The position in a list is of no use here: each entry was given by an option of its own.
    if (option) return `${option.long}: ${detail}`;
    return field === "" ? detail : `${[field, ...inside].join("/")}: ${detail}`;
  });
  const text = [...new Set(details)].map((detail) => detail.replace(/\.$/, "")).join("; ");
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/**
 * The option for a field: one with the same name, without a list's `s`, or without an id's `Id` (`--ifi` of a fintech, `--id` of the bank
 * itself).
 */
function findOption(command: Command | undefined, field: string): Option | undefined {
  const names = [field, field.replace(/s$/, "")];
  if (field.endsWith("Id")) names.push(field.slice(0, -2), "id");
  return names
    .map((name) => command?.options.find((option) => option.attributeName() === name))
    .find((option) => option !== undefined);
}

/** The library's own description of an option in the help, marked when the option must be given. */
export function describeOption(option: Option): string {
  const text = Help.prototype.optionDescription(option);
  return option.mandatory ? `${text} (required)` : text;
}
