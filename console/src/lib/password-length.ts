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

/** Why a password is refused for its length; undefined if it is not. */
export function lengthFault(password: string): string | undefined {
  const length = passwordLengthOf(password);
  if (length < passwordLength.min) return `Too short: use at least ${passwordLength.min} characters.`;
  if (length > passwordLength.max) return `Too long: use at most ${passwordLength.max} characters.`;
  return undefined;
}
