import { NODATA, NOTFOUND, Resolver } from "node:dns/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { DEFAULT_CIPHERS } from "node:tls";
import type { Clock } from "../platform/clock.ts";
import { type AddressPolicy, hostOf, mayConnect, readEndpointUrl } from "./endpoint-url.ts";

/** All addresses of a name that can be found in time. Throws when there are none. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/** One attempt to deliver, as the log keeps it. */
export interface Attempt {
  readonly at: Date;
  readonly durationMs: number;
  /** The answer's status; null without an answer. */
  readonly status: number | null;
  readonly error: string | null;
  /** The answer's first characters. */
  readonly response: string | null;
}

/** An attempt, and what its answer asks for. */
export interface Sent extends Attempt {
  /** `Retry-After` as it came; undefined without one. */
  readonly retryAfter: string | undefined;
}

const deadlineMs = 10_000;
const headersMaxBytes = 8_192;
const readMaxBytes = 4_096;
/** How many 1xx answers may precede the final one: a server has use for one or two. */
const interimMax = 8;
/** How many session tickets of TLS 1.3 a server may send: usual servers send two. */
const ticketsMax = 16;
const shownMaxCharacters = 500;
/**
 * Without the key exchange over a finite field: for that the server sends the numbers, of up to 10,000 bits, with which we then compute for
 * a second, during which the process does nothing else. A server of today has elliptic curves, which cost a thousandth of that.
 */
const ciphers = `${DEFAULT_CIPHERS}:!DHE`;

/**
 * Asks the name servers directly, not the system's resolver: that one knows local names, and a slow name would occupy one of its few
 * threads.
 *
 * Some name servers never answer for the address family that a host does not have (RFC 4074). So once the addresses of one family are
 * known, the other has 300 ms to arrive; and the whole takes half of an attempt at most.
 */
export function createResolver({
  servers,
  answerMs = 5_000,
  otherFamilyMs = 300,
}: {
  /** The system's servers if none are named. */
  readonly servers?: readonly string[] | undefined;
  readonly answerMs?: number | undefined;
  readonly otherFamilyMs?: number | undefined;
} = {}): ResolveHost {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  if (servers) resolver.setServers(servers);
  return async (host) => {
    const addresses: string[] = [];
    let asked = 2;
    let answered = 0;
    await new Promise<void>((resolve) => {
      let timer = setTimeout(resolve, answerMs);
      const goOn = (): void => {
        asked -= 1;
        if (asked > 0 && addresses.length === 0) return;
        clearTimeout(timer);
        if (asked > 0) timer = setTimeout(resolve, otherFamilyMs);
        else resolve();
      };
      for (const family of [resolver.resolve4(host), resolver.resolve6(host)])
        family.then(
          (found) => {
            addresses.push(...found);
            goOn();
          },
          ({ code }: { code?: string }) => {
            if (code === NODATA || code === NOTFOUND) answered += 1;
            goOn();
          },
        );
    });
    if (addresses.length > 0) return [...addresses];
    throw new Refusal(
      answered === 2
        ? "The host name has no address."
        : "The host name cannot be looked up: its name servers did not answer.",
    );
  };
}

/**
 * POSTs once. Never throws: whatever goes wrong is in the attempt. Reaches only what {@link AddressPolicy} allows: the name is resolved
 * once, every one of its addresses is checked, and the connection is made to a checked address, not to the name, so a name server that
 * answers differently the next time changes nothing. Redirects are not followed. Whatever the server answers, an attempt takes 10 s at
 * most, and reading stops 4 KiB after the headers, or after as much without an answer.
 */
export async function sendWebhook(
  {
    resolveHost,
    clock,
    policy,
  }: { readonly resolveHost: ResolveHost; readonly clock: Clock; readonly policy: AddressPolicy },
  message: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    /** Selects one of the name's addresses: the next attempt takes the next one. */
    readonly tryNumber: number;
    readonly stop: AbortSignal;
  },
): Promise<Sent> {
  const at = clock.now();
  const startedMs = performance.now();
  const signal = AbortSignal.any([message.stop, AbortSignal.timeout(deadlineMs)]);
  const attempt = (result: Pick<Sent, "status" | "error" | "response" | "retryAfter">): Sent => ({
    at,
    durationMs: Math.round(performance.now() - startedMs),
    ...result,
  });
  try {
    const url = readEndpointUrl(message.url, policy);
    const addresses = await addressesOf(url, resolveHost, signal);
    if (!addresses.every((address) => mayConnect(address, policy)))
      throw new Refusal("The host name leads to an address that is not of the public internet.");
    const address = addresses[message.tryNumber % addresses.length] as string;
    const { status, response, retryAfter } = await post(url, address, message, signal);
    const good = status >= 200 && status < 300;
    return attempt({
      status,
      response,
      error: good ? null : `The endpoint answered ${status}.`,
      retryAfter,
    });
  } catch (error) {
    return attempt({ status: null, response: null, error: describe(error, signal), retryAfter: undefined });
  }
}

class Refusal extends Error {}

const unknownIssuer = "is of no authority that is trusted here, or the server leaves out the ones between";
/** What is wrong with a certificate, by Node's error code. */
const certificateFaults: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet",
  CERT_SIGNATURE_FAILURE: "is not signed by the authority that it names",
  ERR_TLS_CERT_ALTNAME_INVALID: "is for another host name",
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownIssuer,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
};

async function addressesOf(
  url: URL,
  resolveHost: ResolveHost,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = hostOf(url);
  if (isIP(host)) return [host];
  // Only the development policy lets this name reach here.
  if (host === "localhost") return ["127.0.0.1"];
  const addresses = await orAbort(resolveHost(host), signal);
  return [...addresses].sort((left, right) => isIP(left) - isIP(right));
}

function orAbort<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  work.catch(() => undefined);
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, (error) =>
      reject(error instanceof Refusal ? error : new Refusal("The host name has no address.")),
    );
  });
}

function post(
  url: URL,
  address: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  signal: AbortSignal,
): Promise<{ status: number; response: string; retryAfter: string | undefined }> {
  const host = hostOf(url);
  const open = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = open({
      method: "POST",
      host: address,
      port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      // The host whose certificate is required, and the site wanted at that address.
      ...(isIP(host) ? {} : { servername: host }),
      headers: {
        host: url.host,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        "user-agent": "Fusion-Webhooks/1",
        ...headers,
      },
      agent: false,
      maxHeaderSize: headersMaxBytes,
      ciphers,
      signal,
    });
    let status: number | undefined;
    let retryAfter: string | undefined;
    const chunks: Buffer[] = [];
    let length = 0;
    /** Ends the attempt. Once the status is known, it does not matter how the answer ends. */
    const end = (error?: unknown): void => {
      if (status === undefined) reject(error ?? new Refusal("The connection was closed before an answer."));
      else resolve({ status, response: excerpt(Buffer.concat(chunks)), retryAfter });
      request.destroy();
    };
    request.on("response", (response) => {
      status = response.statusCode ?? 0;
      retryAfter = response.headers["retry-after"];
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= readMaxBytes) end();
      });
      for (const event of ["end", "error", "aborted", "close"]) response.on(event, () => end());
    });
    // Node swallows interim answers and blank lines, however many come: without these two listeners, some megabytes of them a second leave
    // no time for anything else. They come after Node's own listener, so that an answer in the same chunk is known by then.
    let interim = 0;
    request.on("information", () => {
      interim += 1;
      if (interim === interimMax) end(new Refusal("It sent interim answers (1xx) only."));
    });
    request.on("socket", (socket) => {
      let tickets = 0;
      // Tickets are not among the bytes counted below, and a stream of them takes most of a processor. Ended outside the event, which
      // comes from within the reading of the connection.
      socket.on("session", () => {
        tickets += 1;
        if (tickets === ticketsMax)
          setImmediate(() => end(new Refusal("It sent too much before an answer.")));
      });
      let received = 0;
      socket.on("data", (piece: Buffer) => {
        received += piece.length;
        if (status === undefined && received > headersMaxBytes + readMaxBytes)
          end(new Refusal("It sent too much before an answer."));
      });
    });
    // For a 101, Node considers the request ended and leaves the connection to us, out of the signal's reach.
    request.on("upgrade", (response, socket) => {
      status = response.statusCode;
      socket.destroy();
      end();
    });
    request.on("error", end);
    // Ends the attempt whatever Node makes of an answer: without these, an answer that Node reports by some other event would never end it.
    request.on("close", () => {
      if (status === undefined) end();
    });
    signal.addEventListener("abort", () => end(signal.reason), { once: true });
    request.end(body);
  });
}

function excerpt(bytes: Buffer): string {
  return bytes
    .subarray(0, readMaxBytes)
    .toString("utf8")
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .slice(0, shownMaxCharacters)
    .toWellFormed();
}

/** Describes for the fintech's people what happened, and nothing about our network. */
function describe(error: unknown, signal: AbortSignal): string {
  if (error instanceof Refusal) return error.message;
  if (signal.aborted) return "There was no answer within 10 seconds.";
  const { code, message } = error as { code?: string; message?: string };
  const known: Record<string, string> = {
    ECONNREFUSED: "Nothing listens at this address and port.",
    ECONNRESET: "The connection was closed before an answer.",
    EHOSTUNREACH: "The address cannot be reached.",
    ENETUNREACH: "The address cannot be reached.",
    webhook_url_refused: message ?? "",
  };
  if (code !== undefined && known[code] !== undefined) return known[code];
  if (code !== undefined && certificateFaults[code] !== undefined)
    return `No secure connection: the certificate ${certificateFaults[code]} (${code}).`;
  if (code !== undefined && /^(ERR_TLS|CERT|ERR_SSL|EPROTO)/.test(code))
    return `A secure connection could not be made (${code}).`;
  return `The request failed${code === undefined ? "" : ` (${code})`}.`;
}
