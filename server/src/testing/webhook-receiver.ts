import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedWebhook {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body's members. */
  readonly event: { readonly name: string; readonly eventId: string; readonly data: Record<string, unknown> };
}

export interface WebhookReceiver {
  readonly url: string;
  /** Oldest first. */
  readonly received: ReceivedWebhook[];
  /** What it answers from now on: a status, or whatever the function does. 200 until told otherwise. */
  answer(how: number | ((response: ServerResponse) => void)): void;
  close(): Promise<void>;
}

/** A fintech's endpoint on this machine. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  let how: number | ((response: ServerResponse) => void) = 200;
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join("");
    received.push({ headers: request.headers, body, event: JSON.parse(body) });
    if (typeof how === "function") how(response);
    else response.writeHead(how).end("noted");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
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
