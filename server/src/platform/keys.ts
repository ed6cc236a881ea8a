import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import type { Random } from "./random.ts";

/** The purpose of a derived key. There is one root key and one derived key for each purpose, so that none can stand in for another. */
export type KeyPurpose =
  | "otp"
  | "identity-number-lookup"
  | "identity-number"
  | "key-check"
  | "unsubscribe"
  | "webhook-secret"
  | "ledger-head"
  | "development-message";

/** Secrets outside the database: somebody who has only the database can neither read nor forge what they protect. */
export interface Keys {
  /** HMAC-SHA-256 under the purpose's key: for codes with few digits, and for finding an encrypted value by its plain one. */
  mac(purpose: KeyPurpose, text: string): Buffer;
  /** AES-256-GCM: nonce, ciphertext, tag. `context` (such as a row's id) must be the same to open, so values cannot be moved. */
  seal(purpose: KeyPurpose, text: string, context: string): Buffer;
  /** Throws when the key, the context or the bytes are not those of {@link seal}. */
  open(purpose: KeyPurpose, sealed: Buffer, context: string): string;
}

/** Keys derived from 32 secret bytes (HKDF-SHA-256, RFC 5869). */
export function createKeys(rootKey: Buffer, random: Random): Keys {
  if (rootKey.length !== 32) throw new Error("The root key must have 32 bytes.");
  const derived = new Map<KeyPurpose, Buffer>();
  const macKeys = new Map<KeyPurpose, KeyObject>();
  const keyFor = (purpose: KeyPurpose): Buffer => {
    let key = derived.get(purpose);
    if (!key) {
      key = Buffer.from(hkdfSync("sha256", rootKey, "", `fusion/${purpose}`, 32));
      derived.set(purpose, key);
    }
    return key;
  };
  return {
    mac(purpose, text) {
      // As a key object, which is prepared once: an HMAC with the raw bytes takes seven times as long.
      let key = macKeys.get(purpose);
      if (!key) {
        key = createSecretKey(keyFor(purpose));
        macKeys.set(purpose, key);
      }
      return createHmac("sha256", key).update(text).digest();
    },
    seal(purpose, text, context) {
      const nonce = random.bytes(12);
      const cipher = createCipheriv("aes-256-gcm", keyFor(purpose), nonce).setAAD(Buffer.from(context));
      return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    },
    open(purpose, sealed, context) {
      const decipher = createDecipheriv("aes-256-gcm", keyFor(purpose), sealed.subarray(0, 12)).setAAD(
        Buffer.from(context),
      );
      decipher.setAuthTag(sealed.subarray(-16));
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString("utf8");
    },
  };
}

/** Compares two MACs in time that does not depend on where they differ. */
export function sameBytes(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
