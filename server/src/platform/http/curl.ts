import { formatJson } from "./json-text.ts";

/** A call as a shell command: the shell expands variables in the headers (`$TOKEN`) and takes all the rest literally. */
export function curlOf(call: {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body?: unknown;
}): string {
  const methodIsImplied = call.method === (call.body === undefined ? "GET" : "POST");
  const lines = [`curl ${methodIsImplied ? "" : `-X ${call.method} `}${quoted(call.url)}`];
  for (const header of call.headers) lines.push(`  -H "${header}"`);
  if (call.body !== undefined) {
    lines.push(`  -H "Content-Type: application/json"`);
    lines.push(`  -d ${quoted(formatJson(call.body, 60, "  "))}`);
  }
  return lines.join(" \\\n");
}

/** Single quotes keep a POSIX shell from interpreting the text. */
function quoted(text: string): string {
  return /^[\w:/.+@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
