import type { Log } from "../../platform/log.ts";
import type { Message, Messenger } from "../../platform/messages/message.ts";
import { isTold } from "../../platform/outage.ts";

/** Sends codes after the answer has gone out, so that the time of an answer does not tell whether anything was sent. */
export interface CodeSender {
  send(message: Message): void;
  /** Resolves when nothing is being sent: for stopping, and for tests. */
  settled(): Promise<void>;
}

/** A code goes straight to the provider and is never stored; if it gets lost, the person asks for another. */
export function createCodeSender({ messenger, log }: { messenger: Messenger; log: Log }): CodeSender {
  const underway = new Set<Promise<void>>();
  return {
    send(message) {
      const sending = new Promise<void>((resolve) => setImmediate(resolve))
        .then(() => messenger.send(message))
        .then(
          () => undefined,
          (error: Error) =>
            log[isTold(error) ? "debug" : "warn"](
              { channel: message.channel, reason: error.name },
              "a one-time code could not be sent",
            ),
        )
        .finally(() => underway.delete(sending));
      underway.add(sending);
    },
    async settled() {
      while (underway.size > 0) await Promise.all(underway);
    },
  };
}
