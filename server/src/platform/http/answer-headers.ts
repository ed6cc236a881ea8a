/** Headers that many answers share: checked and written out once. */
export interface CommonHeaders {
  /** Name, value, name, value. */
  readonly list: readonly string[];
  /** The same as lines of an answer. */
  readonly lines: string;
}

/** Throws a TypeError on a value that {@link headerLines} refuses. */
export function commonHeaders(list: readonly string[]): CommonHeaders {
  return { list, lines: headerLines(list) };
}

/**
 * Headers (name, value, name, value) as lines of an answer. Throws a TypeError on a value that would end its line, or has a character that
 * is not a single byte.
 */
export function headerLines(list: readonly string[]): string {
  let lines = "";
  for (let at = 0; at + 1 < list.length; at += 2) {
    const [name, value] = [list[at] as string, list[at + 1] as string];
    if (unsendable.test(value)) throw new TypeError(`The header ${name} has a character that none may have.`);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}
const unsendable = /[^\t -~]/;
