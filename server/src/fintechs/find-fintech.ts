import type { Queryable } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import type { FintechId, IfiId } from "../platform/ids.ts";

export interface FintechSummary {
  readonly ifiId: IfiId;
  readonly fintechId: FintechId;
  readonly name: string;
  /** Identifies the fintech to the token service. */
  readonly clientId: string;
}

/** Every fintech in the transaction's scope, by name. */
export async function listFintechs(
  database: Queryable,
): Promise<(FintechSummary & { readonly suspendedAt: Date | null })[]> {
  return database.query(
    `SELECT ifi_id AS "ifiId", fintech_id AS "fintechId", name, client_id AS "clientId", suspended_at AS "suspendedAt"
     FROM fintech ORDER BY name, fintech_id`,
  );
}

/** The fintech with this id or client id, which never look alike (create-fintech.ts). Throws {@link NotFound}. */
export async function getFintech(database: Queryable, idOrClientId: string): Promise<FintechSummary> {
  const [found] = await database.query<FintechSummary & Record<string, unknown>>(
    `SELECT ifi_id AS "ifiId", fintech_id AS "fintechId", name, client_id AS "clientId" FROM fintech
     WHERE fintech_id::text = lower($1) OR client_id = $1`,
    [idOrClientId],
  );
  if (!found) throw new NotFound("There is no such fintech.");
  return found;
}
