// Values written into the text of a statement, for messages of several statements, which cannot have parameters. Backslashes are plain
// characters in them (`standard_conforming_strings`, which openDatabase sets for every connection).

/** Text, quoted. It must hold no NUL character. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An array of values whose text needs no quoting within an array: numbers, uuids. */
export function plainArrayLiteral(values: readonly (string | number | bigint)[]): string {
  return `'{${values.join(",")}}'`;
}

/** An array of any texts. */
export function textArrayLiteral(texts: readonly string[]): string {
  return textLiteral(`{${texts.map(arrayElement).join(",")}}`);
}

const needsEscape = /["\\]/;

function arrayElement(text: string): string {
  return needsEscape.test(text) ? `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : `"${text}"`;
}
