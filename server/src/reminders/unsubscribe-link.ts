import type { UserId } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";

const purpose = "unsubscribe";
const context = "reminder-mail";

/** The path under which the links lead. */
export const unsubscribePath = "/unsubscribe/";

/**
 * The address at which one recipient ends their reminder mail, as RFC 8058 requires it (section 3.1: it names list and recipient, and
 * nobody can make it up). A recipient belongs to one fintech, so the person identifies both. It is sealed: nobody can read whose it is, and
 * nothing is stored. It never expires, since mail is kept for years, and does only what the recipient could ask for anyway.
 */
export function unsubscribeUrl(keys: Pick<Keys, "seal">, publicUrl: string, userId: UserId): string {
  return `${publicUrl}${unsubscribePath}${keys.seal(purpose, userId, context).toString("base64url")}`;
}

/** The person whose link it is; undefined for one that we did not make. */
export function readUnsubscribeToken(keys: Pick<Keys, "open">, token: string): UserId | undefined {
  if (!/^[\w-]{30,200}$/.test(token)) return undefined;
  try {
    return keys.open(purpose, Buffer.from(token, "base64url"), context) as UserId;
  } catch {
    return undefined;
  }
}
