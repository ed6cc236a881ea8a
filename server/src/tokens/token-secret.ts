import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Environment } from "../platform/ids.ts";
import { base62Alphabet, type Random, randomBase62 } from "../platform/random.ts";

// fus_live_ or fus_test_, 30 base62 characters from a CSPRNG (178 bits), 6 base62 characters of CRC-32/ISO-HDLC over all that
// precedes, left-padded with 0. The checksum lets the server, and scanners of leaked files, reject junk without asking anybody.

const bodyLength = 30;
const checksumLength = 6;
const hintEndLength = 4;
const prefixes = { live: "fus_live_", sandbox: "fus_test_" } as const satisfies Record<Environment, string>;
const form = /^fus_(?:live|test)_[0-9A-Za-z]{36}$/;
/** Also in the middle of a word. */
const secretsInText = /(fus_(?:live|test)_)[0-9A-Za-z]{36}/g;
/** How long every secret is. */
export const secretLength = prefixes.live.length + bodyLength + checksumLength;

/** A fresh secret. It is shown once and stored nowhere; {@link hashSecret} is what is kept. */
export function generateSecret(random: Random, environment: Environment): string {
  const start = prefixes[environment] + randomBase62(random, bodyLength);
  return start + checksumOf(start);
}

/** Whether the text has the form of a secret: length, alphabet, prefix and checksum. Says nothing of whether such a token exists. */
export function isWellFormedSecret(text: string): boolean {
  return form.test(text) && text.endsWith(checksumOf(text.slice(0, -checksumLength)));
}

/** SHA-256 of the whole secret. Its 178 bits of entropy need neither salt nor a slow hash. */
export function hashSecret(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

/** The text, with only the prefix of each secret in it: for what others wrote and is kept, such as the address where a token was found. */
export function withoutSecrets(text: string): string {
  return text.replace(secretsInText, "$1***");
}

/** What people recognise it by: the prefix and the last four characters, such as `fus_live_…9aZ3`. */
export function hintOf(secret: string): string {
  return `${secret.slice(0, prefixes.live.length)}…${secret.slice(-hintEndLength)}`;
}

/** The hints that end with this text, which must be at least their last four characters; none for less, which would match many. */
export function hintsEndingWith(text: string): string[] {
  const end = text.slice(-hintEndLength);
  if (end.length < hintEndLength) return [];
  return Object.values(prefixes)
    .map((prefix) => `${prefix}…${end}`)
    .filter((hint) => hint.endsWith(text));
}

/** CRC-32/ISO-HDLC in six base62 digits, the most significant first. */
export function checksumOf(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let place = 0; place < checksumLength; place += 1) {
    digits = base62Alphabet.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
