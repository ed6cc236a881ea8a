import { isHost } from "./host-header.ts";

/** A request without a body, whose whole text came in one piece and is spelled plainly. */
export interface PlainRequest {
  readonly method: string;
  readonly url: string;
  /** Name (in lower case), value, name, value. No name comes twice. */
  readonly rawHeaders: readonly string[];
}

/**
 * The whole text of such a request and nothing beyond it, as RFC 9112 has it without anything that it leaves to the reader: one space
 * between the parts, CRLF at every line's end, no folded lines, nothing but visible ASCII, spaces and tabs in a value, no escape and
 * nothing unusual in the address.
 */
const grammar =
  /^(GET|POST|PUT|PATCH|DELETE|OPTIONS) (\/[A-Za-z0-9\-._~!$&'()*+,;=:@/?]*) HTTP\/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~]*\r\n)+\r\n$/;

/** Longer ones are rare, and the limits on them are Node's business. */
const lengthMax = 8_192;
/** Each is looked for among those before it; and Node itself refuses more than a thousand. */
const headersMax = 64;

/** What says that there is more to a request than its head, or that its connection is to be treated specially. */
const unusual: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads what a connection has sent, when it is exactly one {@link PlainRequest}; undefined when it is anything else, which is then for Node's
 * server to read. It never reads a request differently from Node, so that nothing can be smuggled past a proxy or a rule that
 * understands it as Node does; the tests hold the two together.
 */
export function readPlainRequest(chunk: Buffer): PlainRequest | undefined {
  if (chunk.length > lengthMax) return undefined;
  const text = chunk.toString("latin1");
  const [, method, url] = grammar.exec(text) ?? [];
  if (method === undefined || url === undefined) return undefined;
  const rawHeaders: string[] = [];
  for (let at = text.indexOf("\n") + 1; at < text.length - 2; ) {
    const colon = text.indexOf(":", at);
    const end = text.indexOf("\r", colon);
    const name = text.slice(at, colon).toLowerCase();
    // Out of the bytes: a slice of the text would keep all of it, secrets and cookies too, for as long as somebody remembers the value.
    const value = chunk.toString("latin1", afterBlanks(text, colon + 1), end).trimEnd();
    if ((unusual.has(name) && !isUsual(name, value)) || headerOf(rawHeaders, name) !== undefined)
      return undefined;
    if (rawHeaders.length >= 2 * headersMax) return undefined;
    rawHeaders.push(name, value);
    at = end + 2;
  }
  const host = headerOf(rawHeaders, "host");
  return host !== undefined && isHost(host) ? { method, url, rawHeaders } : undefined;
}

/** That the connection goes on, and that there is no body, holds anyway. */
function isUsual(name: string, value: string): boolean {
  return name === "connection"
    ? value.toLowerCase() === "keep-alive"
    : name === "content-length" && value === "0";
}

/** The value of a header, named in lower case. */
export function headerOf(rawHeaders: PlainRequest["rawHeaders"], name: string): string | undefined {
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at] === name) return rawHeaders[at + 1];
  return undefined;
}

function afterBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at += 1;
  return at;
}
