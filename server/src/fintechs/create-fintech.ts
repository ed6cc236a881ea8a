import { lifetimeDaysMax } from "@fusion/contract/tokens.ts";
import { z } from "zod";
import { type Administrator, requireOperatorAdmin } from "../access/roles.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import { type FintechId, type IfiId, isUuid } from "../platform/ids.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import { IfiIdText } from "./create-ifi.ts";
import { AlreadyExists } from "./errors.ts";
import type { FintechSummary } from "./find-fintech.ts";
import { parseInput, shownText } from "./parse-input.ts";

/** A fintech's name, and the rules for its reminders and tokens, in the form that creating and setting (set-fintech.ts) share. */
export const FintechSettings = z.object({
  name: shownText(120).min(1),
  timeZone: z.string().refine(isTimeZone, "must be an IANA time zone such as Asia/Kolkata"),
  // Later times would leave the sweeps, one each quarter of an hour, no time on their local day.
  reminderTime: z
    .string()
    .regex(
      /^(([01][0-9]|2[0-2]):[0-5][0-9]|23:([0-2][0-9]|30))$/,
      "must be a time such as 09:00, until 23:30",
    ),
  tokensMax: z.number().int().min(1).max(1000).describe("Active tokens of one application."),
  lifetimeDaysMax: z.number().int().min(1).max(lifetimeDaysMax),
});

export const NewFintech = z.object({
  ifiId: IfiIdText,
  name: FintechSettings.shape.name,
  clientId: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{2,63}$/, "must be 3 to 64 lower-case letters, digits and hyphens")
    // People may name a fintech by either (find-fintech.ts).
    .refine((id) => !isUuid(id), "must not look like a fintech's id")
    .optional()
    .describe("Identifies the fintech to the token service, for ever. Made from the name unless given."),
  timeZone: FintechSettings.shape.timeZone.default("Asia/Kolkata"),
  reminderTime: FintechSettings.shape.reminderTime.default("09:00"),
  tokensMax: FintechSettings.shape.tokensMax.default(10),
  lifetimeDaysMax: FintechSettings.shape.lifetimeDaysMax.default(lifetimeDaysMax),
});

/**
 * Registers a fintech of a bank. For operator admins and the command line. Throws `role_insufficient`, `invalid_input`, `not_found` (no
 * such bank), `already_exists` (the client id is taken).
 */
export async function createFintech(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  actor: Administrator,
  input: z.input<typeof NewFintech>,
): Promise<FintechSummary> {
  requireOperatorAdmin(actor);
  const wanted = parseInput(NewFintech, input);
  const fintechId = randomUuid(random) as FintechId;
  const clientId = wanted.clientId ?? clientIdFrom(wanted.name, fintechId);
  const ifiId = wanted.ifiId as IfiId;
  await transactionOf({ db }, actor, async (tx) => {
    const [bank] = await tx.query("SELECT FROM ifi WHERE ifi_id = $1", [ifiId]);
    if (!bank) throw new NotFound("There is no such IFI.");
    const made = await tx.query(
      `INSERT INTO fintech (ifi_id, fintech_id, name, client_id, time_zone, reminder_time, tokens_per_application_max,
         lifetime_days_max, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (client_id) DO NOTHING RETURNING fintech_id`,
      [
        ifiId,
        fintechId,
        wanted.name,
        clientId,
        wanted.timeZone,
        wanted.reminderTime,
        wanted.tokensMax,
        wanted.lifetimeDaysMax,
        clock.now(),
      ],
    );
    if (made.length === 0) throw new AlreadyExists(`The client id ${clientId} is taken.`);
    const { clientId: _given, ...settings } = wanted;
    await recordAudit(tx, { random }, actor, {
      action: "fintech.created",
      object: { kind: "fintech", id: fintechId },
      fintech: { ifiId, fintechId },
      details: { ...settings, clientId },
    });
  });
  return { ifiId, fintechId, name: wanted.name, clientId };
}

/** Readable and practically unique: the name's letters and digits, and the start of the fintech's id. */
function clientIdFrom(name: string, fintechId: string): string {
  const words = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  return `${words || "fintech"}-${fintechId.slice(0, 8)}`;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    // Offsets such as +05:30 would pass, but mean the opposite to PostgreSQL.
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}
