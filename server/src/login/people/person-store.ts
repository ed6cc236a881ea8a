import type { Role } from "@fusion/contract/login.ts";
import type { Administrator } from "../../access/roles.ts";
import type { Queryable, Transaction } from "../../platform/database/database.ts";
import type { FintechId, FintechKey, IfiId, UserId } from "../../platform/ids.ts";
import type { Address } from "../identifier.ts";
import type { PasswordContext } from "../passwords/password-rules.ts";

/** Someone with access to the console, with the facts that logging in needs. */
export interface LoginPerson {
  readonly userId: UserId;
  readonly name: string;
  readonly role: Role;
  readonly fintech: FintechKey | null;
  readonly fintechName: string | null;
  readonly passwordHash: string | null;
  readonly passwordSetAt: Date | null;
  readonly identities: readonly OwnAddress[];
}

/** An address of a person, and what is known of it. */
export interface OwnAddress extends Address {
  /** A code has come back from it once. */
  readonly proven: boolean;
  /** Messages to it have come back since. */
  readonly bounced: boolean;
  /** The zone in which its owner reads times. */
  readonly timeZone: string;
}

interface PersonRow {
  user_id: UserId;
  name: string;
  role: Role;
  ifi_id: IfiId | null;
  fintech_id: FintechId | null;
  fintech_name: string | null;
  password_hash: string | null;
  password_set_at: Date | null;
  identities: OwnAddress[];
}

/**
 * The zone in which a `console_user` reads times: that of the fintech; UTC for the Fusion team, which works for many. Only for this room.
 */
export const timeZoneOf = (user: string): string =>
  `coalesce((SELECT f.time_zone FROM fintech f WHERE f.ifi_id = ${user}.ifi_id AND f.fintech_id = ${user}.fintech_id), 'UTC')`;

const personColumns = `
  u.user_id, u.name, u.role, u.ifi_id, u.fintech_id, u.password_hash, u.password_set_at,
  (SELECT name FROM fintech f WHERE f.ifi_id = u.ifi_id AND f.fintech_id = u.fintech_id) AS fintech_name,
  coalesce((SELECT json_agg(json_build_object('channel', i.channel, 'address', i.address, 'proven', i.verified_at IS NOT NULL,
                                              'bounced', i.bounced_at IS NOT NULL, 'timeZone', ${timeZoneOf("u")}) ORDER BY i.channel)
            FROM identity i WHERE i.user_id = u.user_id), '[]') AS identities`;

/** The person who has the address, if they still have access. */
export async function findPersonByAddress(
  db: Queryable,
  { channel, address }: Address,
): Promise<LoginPerson | undefined> {
  const [row] = await db.query<PersonRow>(
    `SELECT ${personColumns} FROM identity a JOIN console_user u ON u.user_id = a.user_id AND u.disabled_at IS NULL
     WHERE a.channel = $1 AND a.address = $2`,
    [channel, address],
  );
  return row && toPerson(row);
}

/**
 * The person, unless their access ended. For null it runs the same statement and finds nobody. Locks the row until the transaction ends,
 * against a concurrent change of password. Everywhere taken after the walk and before any counter.
 */
export async function lockPerson(tx: Transaction, userId: UserId | null): Promise<LoginPerson | undefined> {
  const [row] = await tx.query<PersonRow>(
    `SELECT ${personColumns} FROM console_user u WHERE u.user_id = $1 AND u.disabled_at IS NULL FOR NO KEY UPDATE OF u`,
    [userId ?? ""],
  );
  return row && toPerson(row);
}

/**
 * {@link lockPerson} on behalf of an actor whose row must be locked too (`transactionOf`). Both are locked in the order of ids, so that two
 * people who act on each other do not deadlock.
 */
export async function lockPersonFor(
  tx: Transaction,
  actor: Administrator,
  userId: UserId,
): Promise<LoginPerson | undefined> {
  const actorId = actor.kind === "user" ? actor.userId : userId;
  if (actorId < userId) await lockPerson(tx, actorId);
  const person = await lockPerson(tx, userId);
  if (actorId > userId) await lockPerson(tx, actorId);
  return person;
}

export async function setPasswordHash(
  tx: Transaction,
  userId: UserId,
  passwordHash: string,
  setAt: Date,
): Promise<void> {
  await tx.query("UPDATE console_user SET password_hash = $2, password_set_at = $3 WHERE user_id = $1", [
    userId,
    passwordHash,
    setAt,
  ]);
}

/** Stores a new hash of the same password; this does not count as setting it. */
export async function replacePasswordHash(
  tx: Transaction,
  userId: UserId,
  { from, to }: { from: string; to: string },
): Promise<void> {
  await tx.query("UPDATE console_user SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2", [
    userId,
    from,
    to,
  ]);
}

export function contextOf(person: LoginPerson): PasswordContext {
  return {
    name: person.name,
    addresses: person.identities.map((identity) => identity.address),
    fintechName: person.fintechName,
  };
}

function toPerson(row: PersonRow): LoginPerson {
  return {
    userId: row.user_id,
    name: row.name,
    role: row.role,
    fintech: row.ifi_id && row.fintech_id ? { ifiId: row.ifi_id, fintechId: row.fintech_id } : null,
    fintechName: row.fintech_name,
    passwordHash: row.password_hash,
    passwordSetAt: row.password_set_at,
    identities: row.identities,
  };
}
