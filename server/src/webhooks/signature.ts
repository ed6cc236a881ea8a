import { createHmac } from "node:crypto";
import type { Random } from "../platform/random.ts";

/** `whsec_` and 32 random bytes in base64, the form of secrets in Standard Webhooks. */
export function generateWebhookSecret(random: Random): string {
  return `whsec_${random.bytes(32).toString("base64")}`;
}

/**
 * The headers that prove where a delivery comes from. `secrets`: the newest first; a second one only during a rotation's overlap.
 *
 * - `webhook-id`, `webhook-timestamp` (seconds), `webhook-signature`: Standard Webhooks (standardwebhooks.com). One `v1,` signature for
 *   each secret, over `id.timestamp.body`, under the bytes that the secret's base64 stands for.
 * - `X-Zeta-HMAC`: HMAC-SHA-256 of the body in hex, under the text of the secret, `whsec_` included. The contract leaves the hash and what
 *   is hashed unsaid. It holds one value, which a receiver compares as a whole, so in an overlap it stays with the older secret and
 *   `X-Zeta-HMAC-Next` has the newer one's.
 */
export function signatureHeaders(
  secrets: readonly [string, string?],
  message: { readonly id: string; readonly at: Date; readonly body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(message.at.getTime() / 1000));
  const [newest, older] = secrets;
  const all = older === undefined ? [newest] : [newest, older];
  const standard = all.map((secret) => {
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    return `v1,${createHmac("sha256", key).update(`${message.id}.${timestamp}.${message.body}`).digest("base64")}`;
  });
  const zeta = (secret: string): string => createHmac("sha256", secret).update(message.body).digest("hex");
  return {
    "webhook-id": message.id,
    "webhook-timestamp": timestamp,
    "webhook-signature": standard.join(" "),
    "X-Zeta-HMAC": zeta(older ?? newest),
    ...(older === undefined ? {} : { "X-Zeta-HMAC-Next": zeta(newest) }),
  };
}
