import type { UserId } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";

const purpose = "unsubscribe";
const context = "reminder-mail";

/** Below which path the links lead. */
export const unsubscribePath = "/unsubscribe/";

/**
 * The address at which one recipient ends their reminder mail, as RFC 8058 wants it (section 3.1: it names list and recipient, and nobody
 * can make it up). A recipient belongs to one fintech, so the person is both. It is sealed: nobody can read from it whose it is, and
 * nothing is stored. It has no end, since mail is kept for years, and does nothing but what the recipient could ask for.
 */
export function unsubscribeUrl(keys: Pick<Keys, "seal">, publicUrl: string, userId: UserId): string {
  return `${publicUrl}${unsubscribePath}${keys.seal(purpose, userId, context).toString("base64url")}`;
}

/** Whose link it is; undefined for what we did not make. */
export function readUnsubscribeToken(keys: Pick<Keys, "open">, token: string): UserId | undefined {
  if (!/^[\w-]{30,200}$/.test(token)) return undefined;
  try {
    return keys.open(purpose, Buffer.from(token, "base64url"), context) as UserId;
  } catch {
    return undefined;
  }
}
