import { z } from "zod";

/** Every scope with the sentence that people read. `admin` covers all the others. */
export const scopeSentences = {
  admin: "Everything the Fusion API offers to this application",
  "account-holders:read": "Read account holders",
  "account-holders:write": "Create and change account holders",
  "bundles:read": "Read bundles and resources",
  "bundles:issue": "Issue bundles and accounts to account holders",
  "accounts:read": "Read accounts, balances and transactions",
  "transfers:read": "Look up transfers",
  "transfers:write": "Move money between accounts",
} as const;

export type Scope = keyof typeof scopeSentences;
export const scopeNames = Object.keys(scopeSentences) as [Scope, ...Scope[]];
export const Scope = z.enum(scopeNames);

/** Whether a token with `granted` may do what `required` names. */
export function coversScope(granted: readonly string[], required: Scope): boolean {
  return granted.includes("admin") || granted.includes(required);
}
