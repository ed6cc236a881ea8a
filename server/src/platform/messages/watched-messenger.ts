import type { Log } from "../log.ts";
import { createOutage } from "../outage.ts";
import { AddressRejected, type Messenger } from "./message.ts";

/** The same messenger, but logs outages of its provider: once when it accepts no message, and once when it does again. */
export function watchMessenger(messenger: Messenger, log: Log, provider: string): Messenger {
  const outage = createOutage(log, {
    part: "messages",
    gone: `the ${provider} does not take messages; they are tried again, one-time codes are not`,
    back: `the ${provider} takes messages again`,
  });
  return {
    async send(message) {
      try {
        const answer = await messenger.send(message);
        outage.worked();
        return answer;
      } catch (error) {
        // The provider answered, and only about that address.
        if (error instanceof AddressRejected) outage.worked();
        else outage.failed(error);
        throw error;
      }
    },
  };
}
