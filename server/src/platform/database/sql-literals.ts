import { assert } from "../errors.ts";

// Values written into the text of a statement, for messages of several statements, which cannot have parameters. Backslashes are plain
// characters in them (`standard_conforming_strings`, which openDatabase sets for every connection).

/** Text, quoted. It must hold no NUL character. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An array of values whose text needs no quoting: numbers, uuids, words. Throws for any other value; the caller should have checked it. */
export function plainArrayLiteral(values: readonly (string | number | bigint)[]): string {
  for (const value of values)
    assert(isPlain(value), "only numbers, ids and words go into a statement unquoted");
  return `'{${values.join(",")}}'`;
}

function isPlain(value: string | number | bigint): boolean {
  return typeof value !== "string" || (/^[\w-]+$/.test(value) && !/^null$/i.test(value));
}

/** An array of any texts. */
export function textArrayLiteral(texts: readonly string[]): string {
  return textLiteral(arrayText(texts));
}

/**
 * An array as the text of a parameter, for long ones: pg's own conversion takes several times as long. The texts must hold no NUL
 * character.
 */
export function arrayText(texts: readonly (string | number)[]): string {
  return `{${texts.map(arrayElement).join(",")}}`;
}

const needsEscape = /["\\]/;

function arrayElement(text: string | number): string {
  if (typeof text === "number") return String(text);
  return needsEscape.test(text) ? `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : `"${text}"`;
}
