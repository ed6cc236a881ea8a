import { passwordLength } from "@fusion/contract/login.ts";

/** Length as the server counts it: characters (not UTF-16 halves) after NFKC. */
export function passwordLengthOf(password: string): number {
  return [...password.normalize("NFKC")].length;
}

/** "9 of at least 15 characters", and once it fits how long it is. */
export function passwordLengthWords(length: number): string {
  if (length < passwordLength.min) return `${length} of at least ${passwordLength.min} characters`;
  if (length > passwordLength.max) return `${length} characters; at most ${passwordLength.max} are allowed`;
  return `${length} characters`;
}

/** Why a password of this length is not taken. */
export function refusalWords(length: number): string {
  return length < passwordLength.min
    ? `Too short: use at least ${passwordLength.min} characters.`
    : `Too long: use at most ${passwordLength.max} characters.`;
}
