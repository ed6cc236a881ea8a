import { randomBytes } from "node:crypto";

/** Unpredictable bytes. Tests may pass a seeded source to replay a run. */
export interface Random {
  bytes(length: number): Buffer;
}

const poolLength = 4_096;
let pool = Buffer.alloc(0);
let used = 0;

/** Reads many bytes from the system's generator at once: each request needs a few for its id, and a call costs more than those bytes. */
export const systemRandom: Random = {
  bytes(length) {
    if (length > 64) return randomBytes(length);
    if (used + length > pool.length) {
      pool = randomBytes(poolLength);
      used = 0;
    }
    const bytes = Buffer.from(pool.subarray(used, used + length));
    // Bytes that were handed out can no longer be found here.
    pool.fill(0, used, used + length);
    used += length;
    return bytes;
  },
};

/** In byte order, so that numbers of the same length sort as text. */
export const base62Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Uniform base62 characters: bytes of 248 and above are drawn again, so that no character is likelier than another. */
export function randomBase62(random: Random, length: number): string {
  // Built from character codes in one call: every request has an id, and appending character by character takes twice as long.
  const characters: number[] = [];
  while (characters.length < length) {
    for (const byte of random.bytes(length - characters.length + 8)) {
      if (byte < 248 && characters.length < length) characters.push(base62Alphabet.charCodeAt(byte % 62));
    }
  }
  return String.fromCharCode(...characters);
}

/** Uniform decimal digits, drawn like {@link randomBase62}. */
export function randomDigits(random: Random, length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length + 8)) {
      if (byte < 250 && text.length < length) text += String(byte % 10);
    }
  }
  return text;
}

/** An RFC 9562 version 4 UUID, the form of ids in the Fusion wire contract. */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
