import { formatJson } from "./json-text.ts";

/** A call as a command for a shell: variables in the headers (`$TOKEN`) are the shell's, all the rest is taken as it is. */
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

/** Single quotes keep a POSIX shell from reading anything into the text. */
function quoted(text: string): string {
  return /^[\w:/.+@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
