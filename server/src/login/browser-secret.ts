import { hash } from "node:crypto";
import type { Random } from "../platform/random.ts";

/** What a cookie holds: 256 bits that the database knows by their SHA-256 alone. */
export function newBrowserSecret(random: Random): { readonly secret: string; readonly secretHash: Buffer } {
  const secret = random.bytes(32).toString("base64url");
  return { secret, secretHash: hashBrowserSecret(secret) };
}

export function hashBrowserSecret(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

/** Of the form that {@link newBrowserSecret} makes; anything else need not be looked up. */
export function isBrowserSecret(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}
