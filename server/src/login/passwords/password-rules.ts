import { passwordLength } from "@fusion/contract/login.ts";
import type { CommonPasswords } from "./common-passwords.ts";

// NIST SP 800-63B-4 section 3.1.1.2 in spirit: a minimum length and a list of the first guesses, no rules of composition.

/** What an attacker who knows the person would try first. */
export interface PasswordContext {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly fintechName: string | null;
}

/** The form in which passwords are compared and hashed: NFKC, so that a password is the same from any two keyboards. */
export function normalisePassword(password: string): string {
  return password.normalize("NFKC");
}

/** Why a new password (in its normal form) is refused, as a sentence for the person; null when it will do. */
export function findPasswordFault(
  password: string,
  context: PasswordContext,
  common: CommonPasswords,
): string | null {
  if (!password.isWellFormed() || /\p{Cc}/u.test(password))
    return "The password has characters that cannot be typed again.";
  const length = [...password].length;
  if (length < passwordLength.min)
    return `The password has ${length} characters; use at least ${passwordLength.min}. A few words make a good one.`;
  if (length > passwordLength.max)
    return `The password has ${length} characters; use at most ${passwordLength.max}.`;
  const plain = password.toLowerCase();
  if (new Set(plain).size < 5) return "The password has too few different characters.";
  if (isRepetition(plain)) return "The password repeats the same few characters.";
  if (isSequence(plain)) return "The password follows the alphabet, the digits or the keyboard.";
  if (isCommon(plain, common))
    return "The password is a common one, perhaps with a few characters added. Attackers try those first.";
  if (isMostlyContext(plain, context))
    return "The password is made of your name, your addresses, your company or Fusion. Attackers try those first.";
  return null;
}

/** One unit written again and again, such as `passwordpassword`. */
function isRepetition(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period += 1) {
    if (text.slice(period) === text.slice(0, -period)) return true;
  }
  return false;
}

const rows = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  "1234567890",
  "1234567890qwertyuiopasdfghjklzxcvbnm",
  "qwertyuiopasdfghjklzxcvbnm",
  "qwertzuiopasdfghjklyxcvbnm",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
  "qazwsxedcrfvtgbyhnujmikolp",
].map((row) => row.repeat(2));

function isSequence(text: string): boolean {
  const backwards = [...text].reverse().join("");
  const bare = text.replaceAll(/[^\p{L}\p{N}]/gu, "");
  return rows.some((row) => [text, backwards, bare].some((form) => form.length >= 8 && row.includes(form)));
}

const substitutes: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "8": "b",
  "9": "g",
  "@": "a",
  $: "s",
  "!": "i",
  "+": "t",
};

/**
 * Whether it is common as it is, or after removing surrounding digits and signs, separators inside it, repetition and substituted letters.
 */
function isCommon(text: string, common: CommonPasswords): boolean {
  const forms = new Set<string>();
  for (const form of [text, text.replaceAll(/[^\p{L}\p{N}@$!+]/gu, "")]) {
    const core = form.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
    forms.add(form).add(core);
    for (const written of [form, core]) {
      const read = written.replaceAll(/[01345789@$!+]/g, (sign) => substitutes[sign] ?? sign);
      forms.add(read).add(read.replaceAll("i", "l"));
    }
  }
  for (const form of [...forms]) forms.add(unit(form));
  return [...forms].some((form) => common.has(form));
}

/** The shortest text that yields the given one when repeated a whole number of times. */
function unit(text: string): string {
  for (let length = 1; length <= text.length / 2; length += 1) {
    const start = text.slice(0, length);
    if (text.length % length === 0 && start.repeat(text.length / length) === text) return start;
  }
  return text;
}

const productWords = ["fusion", "token", "management", "console", "password", "login"];

/** Whether fewer than eight characters are left after removing everything that is known about the person. */
function isMostlyContext(text: string, context: PasswordContext): boolean {
  const known = [context.name, context.fintechName ?? "", ...context.addresses]
    .flatMap((phrase) => {
      const lower = phrase.normalize("NFKC").toLowerCase();
      const digits = lower.replaceAll(/\D/g, "");
      return [lower, ...lower.split(/[^\p{L}\p{N}]+/u), digits, digits.slice(-10)];
    })
    .concat(productWords)
    .filter((word) => word.length >= 3)
    .sort((a, b) => b.length - a.length);
  let left = text;
  for (const word of known) left = left.replaceAll(word, " ");
  return left !== text && left.replaceAll(/\s/g, "").length < 8;
}
