import { hash } from "node:crypto";
import type { Random } from "../../platform/random.ts";

/** The content of a cookie: 256 bits, of which the database holds only the SHA-256. */
export function newBrowserSecret(random: Random): { readonly secret: string; readonly secretHash: Buffer } {
  const secret = random.bytes(32).toString("base64url");
  return { secret, secretHash: hashBrowserSecret(secret) };
}

export function hashBrowserSecret(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

/** Whether the text has the form that {@link newBrowserSecret} makes; anything else need not be looked up. */
export function isBrowserSecret(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}
