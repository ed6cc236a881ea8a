import type { z } from "zod";
import { type Administrator, requireOperatorAdmin } from "../access/roles.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import type { Database } from "../platform/database/database.ts";
import { InvalidInput } from "../platform/errors.ts";
import type { FintechId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { FintechSettings } from "./create-fintech.ts";
import { type FintechRecord, lockFintech } from "./find-fintech.ts";
import { parseInput } from "./parse-input.ts";

/** The settings to change; the others stay. The bank and the client id never change. */
export const ChangedFintech = FintechSettings.partial();

const settings = FintechSettings.keyof().options;

/**
 * Changes what a fintech was created with, by the same rules. Live tokens stay as they are, whatever the limits say; calls that were
 * already counted by the hour stay in the zone before. For operator admins and the command line. Throws `role_insufficient`, `not_found`,
 * `invalid_input`.
 */
export async function setFintech(
  { db, random }: { readonly db: Database; readonly random: Random },
  actor: Administrator,
  input: { readonly fintechId: FintechId; readonly settings: z.input<typeof ChangedFintech> },
): Promise<FintechRecord> {
  requireOperatorAdmin(actor);
  const wanted = parseInput(ChangedFintech, input.settings);
  if (settings.every((name) => wanted[name] === undefined))
    throw new InvalidInput("Name at least one setting to change.");
  return transactionOf({ db }, actor, async (tx) => {
    const before = await lockFintech(tx, input.fintechId);
    const after: FintechRecord = {
      ...before,
      name: wanted.name ?? before.name,
      timeZone: wanted.timeZone ?? before.timeZone,
      reminderTime: wanted.reminderTime ?? before.reminderTime,
      tokensMax: wanted.tokensMax ?? before.tokensMax,
      lifetimeDaysMax: wanted.lifetimeDaysMax ?? before.lifetimeDaysMax,
    };
    const changed = settings.filter((name) => before[name] !== after[name]);
    if (changed.length === 0) return before;
    await tx.query(
      `UPDATE fintech SET name = $2, time_zone = $3, reminder_time = $4, tokens_per_application_max = $5, lifetime_days_max = $6
       WHERE fintech_id = $1`,
      [
        input.fintechId,
        after.name,
        after.timeZone,
        after.reminderTime,
        after.tokensMax,
        after.lifetimeDaysMax,
      ],
    );
    await recordAudit(tx, { random }, actor, {
      action: "fintech.settings-set",
      object: { kind: "fintech", id: input.fintechId },
      fintech: before,
      details: Object.fromEntries(changed.map((name) => [name, { from: before[name], to: after[name] }])),
    });
    return after;
  });
}
