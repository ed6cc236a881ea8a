import type { Queryable, Transaction } from "../../platform/database/database.ts";
import { type Keys, sameBytes } from "../../platform/keys.ts";
import type { Message } from "../../platform/messages/message.ts";
import { type Random, randomDigits } from "../../platform/random.ts";
import { CodeSpent } from "../errors.ts";
import type { Address } from "../identifier.ts";
import { type LoginLimits, triesPerCode } from "../limits.ts";

/** What a code is good for. A code for another purpose, or one that another browser asked for, is wrong. */
export type CodePurpose = "login" | "forgot" | "step_up";

export const codeLength: Readonly<Record<Address["channel"], number>> = { sms: 6, email: 8 };

interface CodeKey {
  readonly browserHash: Buffer;
  readonly purpose: CodePurpose;
}

function codeMac(keys: Keys, { browserHash, purpose }: CodeKey, code: string): Buffer {
  return keys.mac("otp", `code/${purpose}/${browserHash.toString("hex")}/${code}`);
}

/**
 * Makes the browser's code for the purpose, in place of an earlier one, and returns it for sending. Within a login the tries of the earlier
 * code stay counted: a person who needs more starts again. Proving presence cannot start again, as the session stays the same, so each of
 * its codes has tries of its own; guesses over all of them are bounded by the counter of the session's browser, which no code resets.
 */
export async function makeCode(
  tx: Transaction,
  { keys, random, limits }: { keys: Keys; random: Random; limits: LoginLimits },
  request: CodeKey & { address: Address; now: Date },
): Promise<string> {
  const { address, now, purpose, browserHash } = request;
  const code = randomDigits(random, codeLength[address.channel]);
  await tx.query(
    `INSERT INTO one_time_code AS c (browser_hash, purpose, code_mac, channel, address, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (browser_hash, purpose) DO UPDATE SET
       code_mac = EXCLUDED.code_mac, channel = EXCLUDED.channel, address = EXCLUDED.address,
       created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at, used_at = NULL,
       tries = CASE WHEN c.purpose = 'step_up' THEN 0 ELSE c.tries END`,
    [
      browserHash,
      purpose,
      codeMac(keys, request, code),
      address.channel,
      address.address,
      now,
      new Date(now.getTime() + limits.codeLifetimeMs),
    ],
  );
  return code;
}

/**
 * Called before another code is sent within a login. Throws {@link CodeSpent} where the code would inherit no tries, so that no useless
 * code goes out.
 */
export async function requireTriesLeft(tx: Transaction, { browserHash, purpose }: CodeKey): Promise<void> {
  const spent = await tx.query(
    "SELECT FROM one_time_code WHERE browser_hash = $1 AND purpose = $2 AND tries >= $3",
    [browserHash, purpose, triesPerCode],
  );
  if (spent.length > 0) throw new CodeSpent(purpose);
}

/** The code, if it is unused, in time and has tries left. */
export async function findUsableCode(
  db: Queryable,
  { browserHash, purpose }: CodeKey,
  now: Date,
): Promise<{ address: Address; createdAt: Date; expiresAt: Date } | undefined> {
  const [row] = await db.query<{
    channel: Address["channel"];
    address: string;
    created_at: Date;
    expires_at: Date;
  }>(
    `SELECT channel, address, created_at, expires_at FROM one_time_code
     WHERE browser_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 AND tries < $4`,
    [browserHash, purpose, now, triesPerCode],
  );
  return (
    row && {
      address: { channel: row.channel, address: row.address },
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }
  );
}

export type TakenTry =
  | {
      readonly kind: "taken";
      readonly address: Address;
      readonly triesLeft: number;
      readonly codeMac: Buffer;
    }
  | { readonly kind: "expired" }
  | { readonly kind: "spent" };

/** Takes one of the code's five tries, before anything is compared. */
export async function takeTry(tx: Transaction, key: CodeKey, now: Date): Promise<TakenTry> {
  const [row] = await tx.query<{
    code_mac: Buffer;
    channel: Address["channel"];
    address: string;
    tries: number;
  }>(
    `UPDATE one_time_code SET tries = tries + 1
     WHERE browser_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 AND tries < $4
     RETURNING code_mac, channel, address, tries`,
    [key.browserHash, key.purpose, now, triesPerCode],
  );
  if (row)
    return {
      kind: "taken",
      address: { channel: row.channel, address: row.address },
      triesLeft: triesPerCode - row.tries,
      codeMac: row.code_mac,
    };
  const [left] = await tx.query<{ spent: boolean }>(
    "SELECT tries >= $3 AND used_at IS NULL AS spent FROM one_time_code WHERE browser_hash = $1 AND purpose = $2",
    [key.browserHash, key.purpose, triesPerCode],
  );
  return { kind: left?.spent ? "spent" : "expired" };
}

export function isCode(keys: Keys, key: CodeKey, taken: { codeMac: Buffer }, code: string): boolean {
  return sameBytes(taken.codeMac, codeMac(keys, key, code));
}

/** A code is good once. */
export async function useUp(tx: Transaction, key: CodeKey, now: Date): Promise<void> {
  await tx.query("UPDATE one_time_code SET used_at = $3 WHERE browser_hash = $1 AND purpose = $2", [
    key.browserHash,
    key.purpose,
    now,
  ]);
}

/** The code as typed, spaces and dashes taken out; undefined when it cannot be a code at all. */
export function readCode(typed: string): string | undefined {
  const code = typed.normalize("NFKC").replaceAll(/[\s-]/g, "");
  return /^\d{4,10}$/.test(code) ? code : undefined;
}

const purposeWords: Readonly<Record<CodePurpose, string>> = {
  login: "log in to the Fusion Management Console",
  forgot: "set a new password for the Fusion Management Console",
  step_up: "confirm that it is you in the Fusion Management Console",
};

/** The only place that writes out a code. The subject does not contain it: subjects are logged and shown on lock screens. */
export function renderCodeMessage(address: Address, purpose: CodePurpose, code: string): Message {
  return {
    channel: address.channel,
    to: address.address,
    subject: purpose === "login" ? "Your login code for Fusion" : "Your code for Fusion",
    text: `${code} is your code to ${purposeWords[purpose]}. It is valid for 5 minutes. Nobody from Fusion will ever ask you for it.`,
    smsTemplate: "otp",
  };
}
