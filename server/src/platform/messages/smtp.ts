import type { Transporter } from "nodemailer";
import type { Clock } from "../clock.ts";
import { AddressRejected, DeliveryFailed, type Message, type Messenger } from "./message.ts";

export interface SmtpOptions {
  /** `smtp://` or `smtps://`, with user and password where the server requires them. */
  readonly url: string;
  /** Such as `Fusion <fusion@example.com>`; its domain is that of Message-IDs. */
  readonly from: string;
  readonly clock: Clock;
  /** Over `smtp://`, send nothing before STARTTLS has encrypted the connection: mail carries one-time codes. */
  readonly requireTls?: boolean;
  readonly timeoutMs?: number;
}

/** Header names that a message may add; everything else is ours to write. */
const addedHeaders = new Set(["list-unsubscribe", "list-unsubscribe-post", "auto-submitted", "precedence"]);

/**
 * Mail over SMTP, with up to four connections kept open. When the server answers that the recipient's address does not exist, that is
 * {@link AddressRejected}. Every other failure, even a permanent refusal of us or of the message, is {@link DeliveryFailed} and may be
 * retried under the same Message-ID. The library is loaded at the first mail.
 */
export function createSmtpMessenger(options: SmtpOptions): Messenger & { close(): void } {
  const timeoutMs = options.timeoutMs ?? 20_000;
  const domain = /@([^<>@\s]+?)>?\s*$/.exec(options.from)?.[1] ?? "localhost";
  let transporter: Promise<Transporter> | undefined;

  const connect = async (): Promise<Transporter> => {
    const { createTransport } = await import("nodemailer");
    const url = new URL(options.url);
    // Set in the URL, whose parameters override all other options.
    if (options.requireTls) url.searchParams.set("requireTLS", "true");
    return createTransport(
      {
        url: url.href,
        pool: true,
        maxConnections: 4,
        connectionTimeout: timeoutMs,
        greetingTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        // A message's parts are text of ours: never a file or an address to fetch.
        disableFileAccess: true,
        disableUrlAccess: true,
      } as object,
      { from: options.from },
    );
  };

  return {
    async send(message) {
      refuseControlCharacters(message);
      transporter ??= connect().catch((error: unknown) => {
        // The next mail tries again.
        transporter = undefined;
        throw error;
      });
      try {
        const info = (await (
          await transporter
        ).sendMail({
          // As an object, so that no character in it can add a second recipient.
          to: { name: "", address: message.to },
          subject: message.subject,
          text: message.text,
          ...(message.html === undefined ? {} : { html: message.html }),
          ...(message.messageId === undefined ? {} : { messageId: `<${message.messageId}@${domain}>` }),
          date: options.clock.now(),
          headers: pickHeaders(message),
        })) as { response?: string };
        return (info.response ?? "accepted").slice(0, 200);
      } catch (error) {
        throw describe(error);
      }
    },
    close() {
      void transporter?.then(
        (open) => open.close(),
        () => undefined,
      );
    },
  };
}

/** A line break in an address, subject or header could start a header of the writer's choice. */
function refuseControlCharacters(message: Message): void {
  if (/\p{Cc}/u.test(message.to) || !/^[^@\s<>,;:"()[\]\\]+@[^@\s<>,;:"()[\]\\]+$/.test(message.to))
    throw new AddressRejected("This is not an email address.");
  const oneLiners = [message.subject, ...Object.entries(message.headers ?? {}).flat()];
  if (oneLiners.some((text) => /\p{Cc}/u.test(text)))
    throw new DeliveryFailed("The subject or a header has a control character.");
  if (message.messageId !== undefined && !/^[0-9A-Za-z._-]{1,200}$/.test(message.messageId))
    throw new DeliveryFailed("The message id has characters that a Message-ID cannot have.");
}

function pickHeaders(message: Message): Record<string, string> {
  const headers: Record<string, string> = { "Auto-Submitted": "auto-generated" };
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    if (!addedHeaders.has(name.toLowerCase()))
      throw new DeliveryFailed(`A message may not set the header ${name}.`);
    headers[name] = value;
  }
  return headers;
}

/**
 * The enhanced status codes (RFC 3463 sections 3.2 and 3.3, RFC 7505) that say that this mailbox or its domain does not exist, moved
 * without a trace, or is disabled, like that of somebody who has left. 5.1.7 and 5.1.8 are about the sender, and 5.2.2, a full mailbox, is
 * temporary.
 */
const unknownAddress = new Set(["5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1"]);

/**
 * Whether the answer to `RCPT TO` is about the address and not about us. Servers also use it to refuse a sender that they do not trust (RFC
 * 5321 section 3.6.2: `554 5.7.1 Relay access denied`, when a password has lapsed or a block list has our address), with the same answer
 * for every recipient. Without an enhanced code, 550, 551 and 553 are about the mailbox (section 4.2.3). With 5.4.1, "no answer from host",
 * Microsoft's servers mean an unknown recipient, and say so in words.
 */
function saysNoSuchAddress(response: string): boolean {
  const [, code, enhanced] = /^(\d{3})(?:[ -](\d\.\d{1,3}\.\d{1,3})(?!\S))?/.exec(response) ?? [];
  // 5.1.0 also covers "sender address rejected", which some servers say only here.
  if (enhanced === "5.1.0") return !/\bsender\b/i.test(response);
  if (enhanced === "5.4.1") return /recipient address rejected/i.test(response);
  if (enhanced !== undefined) return unknownAddress.has(enhanced);
  return code === "550" || code === "551" || code === "553";
}

/** What the mail server said, without the address or the text (both can come back inside its answer). */
function describe(error: unknown): Error {
  const { response, responseCode, code, command } = error as {
    response?: string;
    responseCode?: number;
    code?: string;
    command?: string;
  };
  const what = [responseCode, code, command].filter((part) => part !== undefined).join(" ") || "no answer";
  if (code === "EENVELOPE" && command === "RCPT TO" && saysNoSuchAddress(response ?? ""))
    return new AddressRejected(`The mail server refused the address (${what}).`);
  return new DeliveryFailed(`The mail server did not take the message (${what}).`);
}
