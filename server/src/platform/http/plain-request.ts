import { isHost } from "./host-header.ts";

/** A request without a body, whose whole text came in one piece and is spelled plainly. */
export interface PlainRequest {
  readonly method: string;
  readonly url: string;
  /** Name (in lower case), value, name, value. No name comes twice. */
  readonly rawHeaders: readonly string[];
}

/**
 * The whole text of such a request and nothing beyond it, as in RFC 9112 but without anything that it leaves to the reader: one space
 * between the parts, CRLF at the end of every line, no folded lines, only visible ASCII, spaces and tabs in a value, no escape and nothing
 * unusual in the address.
 */
const grammar =
  /^(GET|POST|PUT|PATCH|DELETE|OPTIONS) (\/[A-Za-z0-9\-._~!$&'()*+,;=:@/?]*) HTTP\/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~]*\r\n)+\r\n$/;

/** Longer requests are rare, and Node enforces the limits on them. */
const lengthMax = 8_192;
/** Each name is searched for among those before it; and Node itself refuses more than a thousand. */
const headersMax = 64;

/** Headers that mean that the request has more than a head, or that its connection needs special treatment. */
const unusual: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads what a connection has sent, if it is exactly one {@link PlainRequest}. Returns undefined for anything else, which Node's server
 * then reads. It never reads a request differently from Node, so that nothing can be smuggled past a proxy or a rule that understands it as
 * Node does; the tests compare the two.
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
    // Read from the bytes: a slice of the text would keep all of it alive, secrets and cookies too, for as long as anybody keeps the value.
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

/** Whether the header only states the default: that the connection goes on, and that there is no body. */
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
