import { type Random, randomBase62 } from "./random.ts";

// A brand keeps two ids of different kinds from being swapped; at run time each is a plain string (or number).
export type Brand<Base, Name extends string> = Base & { readonly __brand: Name };

/** The bank, an int64 in every Fusion API path. Kept as a decimal string, since int8 exceeds a safe number. */
export type IfiId = Brand<string, "IfiId">;
/** A UUID (`vboID` on the wire). */
export type FintechId = Brand<string, "FintechId">;
export type ApplicationId = Brand<string, "ApplicationId">;
export type UserId = Brand<string, "UserId">;
export type SessionId = Brand<string, "SessionId">;
export type TokenId = Brand<string, "TokenId">;

/** Prefixes of the ids that we coin. Ids of the Fusion wire contract keep its forms (UUIDs, decimal strings). */
export type IdPrefix =
  | "app"
  | "usr"
  | "ses"
  | "tok"
  | "aud"
  | "rcp"
  | "req"
  | "msg"
  | "cnt"
  | "whk"
  | "evt"
  | "nod"
  | "rsv";

/** A fresh id such as `tok_4fTz…`: 20 base62 characters, 119 bits, so that ids can be made without asking anyone. */
export function newId<Id extends string>(random: Random, prefix: IdPrefix): Id {
  return `${prefix}_${randomBase62(random, 20)}` as Id;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether the text has the form of a UUID, in either case. The database cannot be queried with any other text. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}

export type Environment = "sandbox" | "live";

/** A fintech, by its bank and its id, as in the keys of all its tables. */
export interface FintechKey {
  readonly ifiId: IfiId;
  readonly fintechId: FintechId;
}

/** The tenancy key: every tenant table has it in its keys, every query names it, row-level security backs it up. */
export interface Tenant extends FintechKey {
  readonly environment: Environment;
}
