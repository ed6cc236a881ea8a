import { hash } from "node:crypto";
import type { AuditActionOn } from "@fusion/contract/audit-actions.ts";
import { Environment, nameLengthMax } from "@fusion/contract/primitives.ts";
import { z } from "zod";
import { type Administrator, requireOperator, requireOperatorAdmin } from "../access/roles.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import { getFintech } from "../fintechs/find-fintech.ts";
import { parseInput, shownText } from "../fintechs/parse-input.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import { InvalidInput, NotFound } from "../platform/errors.ts";
import { type IfiId, newId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import {
  generateResourceServerSecret,
  type ResourceServer,
  type ResourceServerId,
} from "./resource-server.ts";
import {
  insertResourceServer,
  listResourceServerRows,
  lockResourceServer,
  markEnded,
  replaceSecretHash,
} from "./resource-server-store.ts";

export interface ManageDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** The credentials of a resource server. Only this answer contains the secret. */
export interface ResourceServerCredentials {
  readonly server: ResourceServer;
  readonly secret: string;
}

export const NewResourceServer = z.object({
  name: shownText(nameLengthMax).min(1),
  ifiId: z.string().regex(/^[1-9][0-9]{0,17}$/, "must be a bank's number"),
  environment: Environment,
  fintech: z.string().optional().describe("Of this fintech alone: its id or its client id."),
});

/** The most hours for which the previous secret may stay valid after a rotation. */
const overlapHoursMax = 7 * 24;

/**
 * Registers a service that may ask about the tokens of a bank's environment, or of one fintech there. For operator admins and the command
 * line. Audited. Throws `role_insufficient`, `invalid_input`, `not_found` (no such bank or fintech).
 */
export async function createResourceServer(
  { db, clock, random }: ManageDeps,
  actor: Administrator,
  input: z.input<typeof NewResourceServer>,
): Promise<ResourceServerCredentials> {
  requireOperatorAdmin(actor);
  const wanted = parseInput(NewResourceServer, input);
  const secret = generateResourceServerSecret(random);
  const server = await transactionOf({ db }, actor, async (tx) => {
    const fintech = wanted.fintech === undefined ? null : await getFintech(tx, wanted.fintech);
    if (fintech && fintech.ifiId !== wanted.ifiId)
      throw new NotFound("There is no such fintech of this bank.");
    const banks = await tx.query("SELECT FROM ifi WHERE ifi_id = $1", [wanted.ifiId]);
    if (banks.length === 0) throw new NotFound("There is no such bank.");
    const made: ResourceServer = {
      resourceServerId: newId<ResourceServerId>(random, "rsv"),
      name: wanted.name,
      ifiId: wanted.ifiId as IfiId,
      environment: wanted.environment,
      fintechId: fintech?.fintechId ?? null,
      createdAt: clock.now(),
      rotatedAt: null,
      endedAt: null,
    };
    await insertResourceServer(tx, made, hashClientSecret(secret));
    await audit(tx, { random }, actor, "resource-server.created", made);
    return made;
  });
  return { server, secret };
}

/** Every resource server that ever existed. For the Fusion team. Throws `role_insufficient`. */
export async function listResourceServers(
  { db }: Pick<ManageDeps, "db">,
  actor: Administrator,
): Promise<ResourceServer[]> {
  requireOperator(actor);
  return db.transaction(systemScope, (tx) => listResourceServerRows(tx));
}

/**
 * Gives a resource server another secret; the previous one stays valid for `overlapHours` (0 when it was found out, which ends all others,
 * too). Rotating again meanwhile, perhaps since the answer was lost, ends none of them. For operator admins and the command line. Audited.
 * Throws `role_insufficient`, `invalid_input`, `not_found`.
 */
export async function rotateResourceServer(
  { db, random }: Omit<ManageDeps, "clock">,
  actor: Administrator,
  input: { readonly resourceServerId: ResourceServerId; readonly overlapHours: number },
): Promise<ResourceServerCredentials> {
  requireOperatorAdmin(actor);
  const { overlapHours } = input;
  if (!(overlapHours >= 0 && overlapHours <= overlapHoursMax))
    throw new InvalidInput("The overlap is not as it should be.", {
      fieldErrors: [{ pointer: "/overlapHours", detail: `must be from 0 to ${overlapHoursMax}` }],
    });
  const secret = generateResourceServerSecret(random);
  const server = await transactionOf({ db }, actor, async (tx) => {
    const known = await getAtWork(tx, input.resourceServerId);
    const { rotatedAt, previousEndsAt } = await replaceSecretHash(tx, known.resourceServerId, {
      secretHash: hashClientSecret(secret),
      overlapHours,
    });
    await audit(tx, { random }, actor, "resource-server.rotated", known, {
      previousEndsAt: previousEndsAt?.toISOString() ?? null,
    });
    return { ...known, rotatedAt };
  });
  return { server, secret };
}

/**
 * Ends a resource server for good: its next question is refused. For operator admins and the command line. Audited. Throws
 * `role_insufficient`, `not_found`.
 */
export async function endResourceServer(
  { db, clock, random }: ManageDeps,
  actor: Administrator,
  { resourceServerId }: { readonly resourceServerId: ResourceServerId },
): Promise<ResourceServer> {
  requireOperatorAdmin(actor);
  return transactionOf({ db }, actor, async (tx) => {
    const known = await getAtWork(tx, resourceServerId);
    const endedAt = clock.now();
    await markEnded(tx, resourceServerId, endedAt);
    await audit(tx, { random }, actor, "resource-server.ended", known);
    return { ...known, endedAt };
  });
}

/** SHA-256 of a resource server's secret, which has enough entropy to need neither salt nor a slow hash. */
export function hashClientSecret(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

async function getAtWork(tx: Transaction, id: ResourceServerId): Promise<ResourceServer> {
  const known = await lockResourceServer(tx, id);
  if (!known) throw new NotFound("There is no such resource server at work.");
  return known;
}

/** The fintech that the resource server is bound to may read the entry: it says that somebody may ask about its tokens. */
async function audit(
  tx: Transaction,
  deps: { readonly random: Random },
  actor: Administrator,
  action: AuditActionOn<"resource-server">,
  server: ResourceServer,
  details: Record<string, unknown> = {},
): Promise<void> {
  const { resourceServerId, name, ifiId, environment, fintechId } = server;
  await recordAudit(tx, deps, actor, {
    action,
    object: { kind: "resource_server", id: resourceServerId },
    fintech: fintechId && { ifiId, fintechId },
    details: { name, ifiId, environment, ...details },
  });
}
