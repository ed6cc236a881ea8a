/** The text is not acceptable JSON; the message says why, for the caller. */
export class JsonRefused extends Error {}

/** Some programs write one before UTF-8, and a parser may ignore it (RFC 8259 section 8.1). */
const byteOrderMark = "\ufeff";
const depthMax = 32;
const [minus, zero, nine] = [0x2d, 0x30, 0x39];

/** The keys that lead from the whole document to a member, such as `["amount", "amount"]`; `*` is any key. */
export type JsonPath = readonly string[];

/**
 * Parses JSON more strictly than `JSON.parse`: at most 32 levels deep, no key twice in an object (two readers could see two different
 * requests), no `__proto__`, no NUL or lone surrogate in a text. A number at one of `losslessPaths` that a double would print differently
 * is returned as the text of its digits (the wire contract's numeric `requestID`, section 6.1), so that `String` of any number there yields
 * what was sent. A number of the same name elsewhere is the caller's own and stays a number. Throws {@link JsonRefused}.
 */
export function parseStrictJson(body: string, losslessPaths: readonly JsonPath[] = []): unknown {
  const text = body.startsWith(byteOrderMark) ? body.slice(1) : body;
  const { plainNumbers } = checkStructure(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JsonRefused("The body is not valid JSON.");
  }
  if (losslessPaths.length > 0 && !plainNumbers) {
    // This takes several times as long as the parsing itself.
    const written = JSON.parse(text, numberAsWritten);
    for (const path of losslessPaths) writeOutNumbers(value, written, path);
  }
  // Only an escape can write these characters: JSON itself forbids control characters, and UTF-8 has no lone surrogates.
  if (text.includes("\\u")) checkStrings(value);
  return value;
}

function numberAsWritten(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? (context?.source ?? value) : value;
}

/** Replaces a number that `path` leads to by the text of its digits, from `written`, where the two differ. */
function writeOutNumbers(value: unknown, written: unknown, [key, ...rest]: JsonPath): void {
  if (key === undefined || typeof value !== "object" || value === null) return;
  const members = value as Record<string, unknown>;
  const texts = written as Record<string, unknown>;
  for (const name of key === "*" ? Object.keys(members) : [key]) {
    if (!Object.hasOwn(members, name)) continue;
    const member = members[name];
    if (rest.length > 0) writeOutNumbers(member, texts[name], rest);
    else if (typeof member === "number" && String(member) !== texts[name]) members[name] = texts[name];
  }
}

/** PostgreSQL's text holds neither NUL nor half a surrogate pair, and no honest client sends one. */
function checkStrings(value: unknown): void {
  if (typeof value === "string") {
    if (value.includes("\u0000")) throw new JsonRefused("A text contains a NUL character (\\u0000).");
    if (!value.isWellFormed()) throw new JsonRefused("A text contains half of a surrogate pair.");
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      checkStrings(key);
      checkStrings(member);
    }
  }
}

/** A number, of which `text[at]` is the first character. */
const numberAt = /-?\d+(?:\.\d*)?(?:[eE][+-]?\d*)?/y;
const plainNumber = /^(?:0|-?[1-9]\d{0,14})$/;

/**
 * One pass over the text, aware of strings only, so that depth and repeated keys are found before anything recurses. It need not notice
 * that the text is not JSON at all; `JSON.parse` does. `plainNumbers`: each number is written exactly as its double would be printed.
 */
function checkStructure(text: string): { readonly plainNumbers: boolean } {
  let plainNumbers = true;
  const open: (Set<string> | null)[] = []; // The keys seen of each open object; null for an array.
  let expectsKey = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case "{":
      case "[": {
        if (open.length === depthMax)
          throw new JsonRefused(`The body is nested more than ${depthMax} levels deep.`);
        const isObject = text[at] === "{";
        open.push(isObject ? new Set() : null);
        expectsKey = isObject;
        break;
      }
      case "}":
      case "]":
        open.pop();
        expectsKey = false;
        break;
      case ",":
        expectsKey = open.at(-1) instanceof Set;
        break;
      case '"': {
        const start = at;
        for (at += 1; at < text.length && text[at] !== '"'; at += 1) if (text[at] === "\\") at += 1;
        const keys = open.at(-1);
        if (expectsKey && keys) {
          const key = unescapeKey(text.slice(start, at + 1));
          if (key === "__proto__") throw new JsonRefused('The key "__proto__" is not allowed.');
          if (keys.has(key))
            throw new JsonRefused(`The key ${JSON.stringify(key.slice(0, 64))} appears twice in one object.`);
          keys.add(key);
          expectsKey = false;
        }
        break;
      }
      default: {
        const code = text.charCodeAt(at);
        if (code !== minus && (code < zero || code > nine)) break;
        numberAt.lastIndex = at;
        const [number = ""] = numberAt.exec(text) ?? [];
        plainNumbers &&= plainNumber.test(number);
        at += Math.max(number.length - 1, 0);
      }
    }
  }
  return { plainNumbers };
}

function unescapeKey(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new JsonRefused("The body is not valid JSON.");
  }
}
