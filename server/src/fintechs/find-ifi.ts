import type { Queryable } from "../platform/database/database.ts";
import type { IfiId } from "../platform/ids.ts";

export interface IfiRecord {
  readonly ifiId: IfiId;
  readonly name: string;
}

/** Every bank, by name. */
export async function listIfis(database: Queryable): Promise<IfiRecord[]> {
  return database.query(`SELECT ifi_id::text AS "ifiId", name FROM ifi ORDER BY name, ifi_id`);
}
