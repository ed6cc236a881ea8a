import type { IncomingMessage } from "node:http";

/** A host, as a name or an address, and a port (RFC 9110 section 7.2): no other characters, and no user name or password. */
const hostForm = /^[\w.\-~!$&'()*+,;=%:[\]]*$/;

export function isHost(value: string): boolean {
  return hostForm.test(value);
}

/**
 * Whether the request says that it is HTTP/1, and for which host, in one way only (RFC 9112 section 3.2): of two, a proxy and its server
 * could each believe another. Node's parser also takes a line without a version, and one with HTTP/2.0, and reads on as if it were 1.1.
 */
export function saysVersionAndHost({ httpVersion, headers, rawHeaders }: IncomingMessage): boolean {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return false;
  const { host } = headers;
  if (host === undefined) return httpVersion === "1.0";
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts <= 1 && isHost(host);
}
