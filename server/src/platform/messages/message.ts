/** A rendered message to one address. Knows nothing of its content. */
export interface Message {
  readonly channel: "sms" | "email";
  /** E.164 or an email address. */
  readonly to: string;
  /** For an SMS, only shown in the inbox and the log. */
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  /** Local part of the Message-ID; the same when the message is sent again. */
  readonly messageId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The template as registered with the SMS gateway. */
  readonly smsTemplate?: string;
}

/** Hands messages to a provider. */
export interface Messenger {
  /** Resolves with the provider's answer. Throws {@link AddressRejected} or {@link DeliveryFailed}. */
  send(message: Message): Promise<string>;
}

/** The provider says that the address does not exist (a hard bounce): retrying is useless. */
export class AddressRejected extends Error {}
/** The provider could not take the message now; whether it was sent may be unknown. */
export class DeliveryFailed extends Error {}
