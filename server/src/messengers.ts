import type { Config } from "./config.ts";
import type { Clock } from "./platform/clock.ts";
import type { Database } from "./platform/database/database.ts";
import type { Keys } from "./platform/keys.ts";
import type { Log } from "./platform/log.ts";
import { createInbox, type Inbox } from "./platform/messages/inbox.ts";
import type { Messenger } from "./platform/messages/message.ts";
import { createRoutedMessenger } from "./platform/messages/routed-messenger.ts";
import { createSmsGateway } from "./platform/messages/sms-gateway.ts";
import { createSmtpMessenger } from "./platform/messages/smtp.ts";
import { watchMessenger } from "./platform/messages/watched-messenger.ts";

export interface Messengers {
  readonly messenger: Messenger;
  /** Development's inbox; undefined in production, where nothing shows a message. */
  readonly inbox: Inbox | undefined;
  close(): void;
}

/** Makes them as configured: real providers where they are set, and in development the inbox for the rest. */
export function createMessengers(
  config: Config,
  {
    db,
    clock,
    keys,
    log,
  }: { readonly db: Database; readonly clock: Clock; readonly keys: Keys; readonly log: Log },
): Messengers {
  const inbox = config.mode === "development" ? createInbox({ db, clock, keys }) : undefined;
  const smtp = config.mail
    ? createSmtpMessenger({
        url: config.mail.smtpUrl,
        from: config.mail.from,
        requireTls: config.mail.requireTls,
        clock,
      })
    : undefined;
  const sms = config.sms
    ? createSmsGateway({
        url: config.sms.gatewayUrl,
        bearerToken: config.sms.gatewayToken,
        templates: config.sms.templates,
        fetch: globalThis.fetch,
      })
    : undefined;
  return {
    messenger: createRoutedMessenger({
      email: smtp ? watchMessenger(smtp, log, "mail server") : needed(inbox),
      sms: sms ? watchMessenger(sms, log, "SMS gateway") : needed(inbox),
    }),
    inbox,
    close: () => smtp?.close(),
  };
}

function needed(inbox: Inbox | undefined): Inbox {
  // The configuration refuses production without providers before this.
  if (!inbox) throw new Error("There is no provider for a channel.");
  return inbox;
}
