import type { Clock } from "../../platform/clock.ts";
import type { Transaction } from "../../platform/database/database.ts";
import { queueMessage } from "../../platform/messages/outgoing-messages.ts";
import type { Random } from "../../platform/random.ts";
import type { Address } from "../identifier.ts";
import { findTimeZone } from "../people/identity-store.ts";
import type { Notice } from "./notices.ts";

/**
 * Leaves the notice for each address, to go out after the commit. The zone of an address is looked up; it must be given for one that no
 * longer belongs to anybody, because it changed or its owner's access ended.
 */
export async function tell(
  tx: Transaction,
  parts: { clock: Clock; random: Random },
  addresses: readonly (Address & { readonly timeZone?: string })[],
  { subject, text }: Notice,
): Promise<void> {
  for (const { channel, address, timeZone = await findTimeZone(tx, { channel, address }) } of addresses)
    await queueMessage(tx, parts, {
      channel,
      to: address,
      subject,
      text: text({ channel, address, timeZone }),
      smsTemplate: "notice",
    });
}
