import { visibleOnly } from "@fusion/contract/primitives.ts";
import { z } from "zod";
import { InvalidInput } from "../platform/errors.ts";

/**
 * A name of up to `max` characters that can be stored and shown: no control characters, no halves of surrogate pairs, nothing invisible but
 * joiners.
 */
export function shownText(max: number): z.ZodString {
  return z
    .string()
    .trim()
    .max(max)
    .regex(...visibleOnly);
}

/** The input, parsed by its schema. Throws {@link InvalidInput} that names everything wrong. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const fieldErrors = parsed.error.issues.map((issue) => ({
    pointer: issue.path.map((step) => `/${String(step)}`).join(""),
    detail: issue.message,
  }));
  throw new InvalidInput(
    `Some of the input is not as it should be: ${fieldErrors.map(({ pointer, detail }) => `${pointer.slice(1) || "input"}: ${detail}`).join("; ")}.`,
    { fieldErrors },
  );
}
