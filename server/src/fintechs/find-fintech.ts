import type { Queryable } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import type { FintechId, FintechKey } from "../platform/ids.ts";

export interface FintechSummary extends FintechKey {
  readonly name: string;
  /** Identifies the fintech to the token service. */
  readonly clientId: string;
}

/** A fintech with its bank's name and its settings. */
export interface FintechRecord extends FintechSummary {
  readonly ifiName: string;
  readonly timeZone: string;
  /** Local wall time, `HH:MM`. */
  readonly reminderTime: string;
  /** Active tokens of one application, unless the application has a limit of its own. */
  readonly tokensMax: number;
  readonly lifetimeDaysMax: number;
  readonly suspendedAt: Date | null;
}

const selectRecord = `
  SELECT f.ifi_id AS "ifiId", f.fintech_id AS "fintechId", f.name, f.client_id AS "clientId", ifi.name AS "ifiName",
    f.time_zone AS "timeZone", to_char(f.reminder_time, 'HH24:MI') AS "reminderTime",
    f.tokens_per_application_max AS "tokensMax", f.lifetime_days_max AS "lifetimeDaysMax", f.suspended_at AS "suspendedAt"
  FROM fintech f JOIN ifi USING (ifi_id)`;

/** Every fintech in the transaction's scope, by name. */
export async function listFintechs(database: Queryable): Promise<FintechRecord[]> {
  return database.query(`${selectRecord} ORDER BY f.name, f.fintech_id`);
}

/** The fintech's row, held until the transaction ends. Throws {@link NotFound}. */
export async function lockFintech(tx: Queryable, fintechId: FintechId): Promise<FintechRecord> {
  const [found] = await tx.query<FintechRecord>(
    `${selectRecord} WHERE f.fintech_id = $1 FOR NO KEY UPDATE OF f`,
    [fintechId],
  );
  if (!found) throw new NotFound("There is no such fintech.");
  return found;
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
