import { Environment, nameLengthMax } from "@fusion/contract/primitives.ts";
import { Scope } from "@fusion/contract/scopes.ts";
import { z } from "zod";
import { type Administrator, requireOperatorAdmin } from "../access/roles.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import { type ApplicationId, type FintechId, type IfiId, newId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { parseInput, shownText } from "./parse-input.ts";

export const NewApplication = z.object({
  fintechId: z.guid(),
  environment: Environment,
  name: shownText(nameLengthMax).min(1),
  description: shownText(500).default(""),
  scopes: z.array(Scope).min(1).default(["admin"]).describe("Scopes that its tokens may have."),
});

/**
 * Registers an application of a fintech; its environment is fixed for ever. For operator admins and the command line. Throws
 * `role_insufficient`, `invalid_input`, `not_found` (no such fintech).
 */
export async function createApplication(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  actor: Administrator,
  input: z.input<typeof NewApplication>,
): Promise<{
  readonly applicationId: ApplicationId;
  readonly name: string;
  readonly environment: Environment;
}> {
  requireOperatorAdmin(actor);
  const wanted = parseInput(NewApplication, input);
  const applicationId = newId<ApplicationId>(random, "app");
  await transactionOf({ db }, actor, async (tx) => {
    const [made] = await tx.query<{ ifi_id: IfiId; fintech_id: FintechId }>(
      `INSERT INTO application (ifi_id, environment, fintech_id, application_id, name, description, scopes, created_at)
       SELECT ifi_id, $2, fintech_id, $3, $4, $5, $6, $7 FROM fintech WHERE fintech_id = $1
       RETURNING ifi_id, fintech_id`,
      [
        wanted.fintechId,
        wanted.environment,
        applicationId,
        wanted.name,
        wanted.description,
        [...new Set(wanted.scopes)],
        clock.now(),
      ],
    );
    if (!made) throw new NotFound("There is no such fintech.");
    await recordAudit(tx, { random }, actor, {
      action: "application.created",
      object: { kind: "application", id: applicationId },
      fintech: { ifiId: made.ifi_id, fintechId: made.fintech_id },
      details: wanted,
    });
  });
  return { applicationId, name: wanted.name, environment: wanted.environment };
}
