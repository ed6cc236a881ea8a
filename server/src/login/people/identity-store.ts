import type { Queryable, Transaction } from "../../platform/database/database.ts";
import type { UserId } from "../../platform/ids.ts";
import type { Address } from "../identifier.ts";
import { timeZoneOf } from "./person-store.ts";

// The SQL on identities, private to the room; people are read together with theirs in person-store.ts.

/** The addresses of this person as the console shows them. Only for this room. */
export const identitiesOf = (userId: string): string =>
  `coalesce((SELECT json_agg(json_build_object('channel', i.channel, 'address', i.address,
               'bouncedAt', to_char(i.bounced_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY i.channel)
             FROM identity i WHERE i.user_id = ${userId}), '[]')`;

/** Gives the person the address. False when it is taken: then nothing has changed. */
export async function insertIdentity(
  tx: Transaction,
  userId: UserId,
  { channel, address }: Address,
  now: Date,
): Promise<boolean> {
  const inserted = await tx.query(
    `INSERT INTO identity (channel, address, user_id, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (channel, address) DO NOTHING RETURNING address`,
    [channel, address, userId, now],
  );
  return inserted.length > 0;
}

/** One of these addresses that somebody has. */
export async function findTaken(tx: Transaction, wanted: readonly Address[]): Promise<Address | undefined> {
  const [found] = await tx.query<{ channel: Address["channel"]; address: string }>(
    "SELECT channel, address FROM identity JOIN unnest($1::text[], $2::text[]) AS wanted (channel, address) USING (channel, address) LIMIT 1",
    [wanted.map(({ channel }) => channel), wanted.map(({ address }) => address)],
  );
  return found;
}

/** A code came back from the address: it belongs to the person and can be reached. */
export async function verifyIdentity(
  tx: Transaction,
  userId: UserId,
  { channel, address }: Address,
  now: Date,
): Promise<void> {
  await tx.query(
    `UPDATE identity SET verified_at = coalesce(verified_at, $4), bounced_at = NULL
     WHERE user_id = $1 AND channel = $2 AND address = $3`,
    [userId, channel, address, now],
  );
}

/** Frees the person's phone or email for the next owner. */
export async function deleteIdentity(
  tx: Transaction,
  userId: UserId,
  channel: Address["channel"],
): Promise<void> {
  await tx.query("DELETE FROM identity WHERE user_id = $1 AND channel = $2", [userId, channel]);
}

/** {@link deleteIdentity} for all that the person has; returns their channels. */
export async function deleteIdentities(tx: Transaction, userId: UserId): Promise<Address["channel"][]> {
  const freed = await tx.query<{ channel: Address["channel"] }>(
    "DELETE FROM identity WHERE user_id = $1 RETURNING channel",
    [userId],
  );
  return freed.map(({ channel }) => channel);
}

/** The zone in which the owner of the address reads times; UTC where nobody has it. */
export async function findTimeZone(db: Queryable, { channel, address }: Address): Promise<string> {
  const [row] = await db.query<{ time_zone: string }>(
    `SELECT ${timeZoneOf("u")} AS time_zone FROM identity i JOIN console_user u USING (user_id)
     WHERE i.channel = $1 AND i.address = $2`,
    [channel, address],
  );
  return row?.time_zone ?? "UTC";
}
