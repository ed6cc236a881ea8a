import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { TestCertificate } from "./test-certificates.ts";

export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body's members. */
  readonly event: { readonly name: string; readonly eventId: string; readonly data: Record<string, unknown> };
}

export interface WebhookReceiver {
  readonly url: string;
  /** Oldest first. */
  readonly received: ReceivedWebhook[];
  /** The answer from now on: a status, or whatever the function does. 200 until told otherwise. */
  answer(how: number | ((response: ServerResponse) => void)): void;
  close(): Promise<void>;
}

/** A fintech's endpoint on this machine; with a certificate it uses TLS, under the given host name and with the given options. */
export async function startWebhookReceiver(
  secure?: TestCertificate & { readonly host: string; readonly options?: SecureContextOptions },
): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  let how: number | ((response: ServerResponse) => void) = 200;
  const handle: RequestListener = async (request, response) => {
    // A request that its sender broke off has delivered nothing.
    const chunks = await request.toArray().catch(() => undefined);
    if (!chunks || !request.complete) return;
    const body = Buffer.concat(chunks).toString();
    received.push({ path: request.url ?? "", headers: request.headers, body, event: JSON.parse(body) });
    if (typeof how === "function") how(response);
    else response.writeHead(how).end("noted");
  };
  const server = secure
    ? createSecureServer({ ...secure.options, cert: secure.certificate, key: secure.key }, handle)
    : createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `${secure ? `https://${secure.host}` : "http://127.0.0.1"}:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer(next) {
      how = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
