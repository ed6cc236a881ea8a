import { AddressRejected, DeliveryFailed, type Messenger } from "./message.ts";

export interface SmsGatewayOptions {
  readonly url: string;
  readonly bearerToken: string | null;
  /** The gateway's registered template id for each `smsTemplate` of a message. */
  readonly templates: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
  readonly fetch: typeof globalThis.fetch;
}

/** Statuses with which gateways say that the number itself is wrong. Not 404: any server at a wrong URL answers that. */
const rejectingStatuses = new Set([410, 422]);

/**
 * SMS over an HTTP gateway: one POST of `{ to, text, templateId, reference }` with a bearer token. 410 and 422 are {@link AddressRejected},
 * every other failure is {@link DeliveryFailed}. Redirects are not followed: they would carry the text to another place.
 */
export function createSmsGateway(options: SmsGatewayOptions): Messenger {
  return {
    async send(message) {
      if (!/^\+[1-9]\d{6,14}$/.test(message.to)) throw new AddressRejected("This is not a phone number.");
      const templateId =
        message.smsTemplate === undefined ? undefined : options.templates[message.smsTemplate];
      let response: Response;
      try {
        response = await options.fetch(options.url, {
          method: "POST",
          redirect: "error",
          signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
          headers: {
            "content-type": "application/json",
            accept: "application/json",
            ...(options.bearerToken === null ? {} : { authorization: `Bearer ${options.bearerToken}` }),
          },
          body: JSON.stringify({
            to: message.to,
            text: message.text,
            ...(templateId === undefined ? {} : { templateId }),
            ...(message.messageId === undefined ? {} : { reference: message.messageId }),
          }),
        });
      } catch (error) {
        const { name } = error as Error;
        throw new DeliveryFailed(
          name === "TimeoutError"
            ? "The SMS gateway did not answer in time."
            : "The SMS gateway cannot be reached.",
        );
      }
      // Read completely, so that the connection can be reused; the content may repeat the text, so it is not kept.
      await response.arrayBuffer().catch(() => undefined);
      if (response.ok) return `HTTP ${response.status}`;
      const answer = `The SMS gateway answered ${response.status}.`;
      throw rejectingStatuses.has(response.status) ? new AddressRejected(answer) : new DeliveryFailed(answer);
    },
  };
}
