import { z } from "zod";
import { type Administrator, requireOperatorAdmin } from "../access/roles.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { IfiId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { AlreadyExists } from "./errors.ts";
import { parseInput, shownText } from "./parse-input.ts";

/** An int64 above zero, in decimal digits, as in every path of the Fusion API. */
export const IfiIdText = z
  .string()
  .refine(
    (digits) => /^[1-9][0-9]{0,18}$/.test(digits) && BigInt(digits) < 2n ** 63n,
    "must be a whole number above zero that fits into 64 bits",
  );

export const NewIfi = z.object({ ifiId: IfiIdText, name: shownText(120).min(1) });

/** Registers a bank. For operator admins and the command line. Throws `role_insufficient`, `invalid_input`, `already_exists`. */
export async function createIfi(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  actor: Administrator,
  input: z.input<typeof NewIfi>,
): Promise<{ readonly ifiId: IfiId; readonly name: string }> {
  requireOperatorAdmin(actor);
  const { ifiId, name } = parseInput(NewIfi, input);
  await transactionOf({ db }, actor, async (tx) => {
    const made = await tx.query(
      "INSERT INTO ifi (ifi_id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ifi_id",
      [ifiId, name, clock.now()],
    );
    if (made.length === 0) throw new AlreadyExists(`IFI ${ifiId} exists already.`);
    await recordAudit(tx, { random }, actor, {
      action: "ifi.created",
      object: { kind: "ifi", id: ifiId },
      fintech: null,
      details: { name },
    });
  });
  return { ifiId: ifiId as IfiId, name };
}
