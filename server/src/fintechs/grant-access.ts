import { requireRecentPresence } from "../access/recent-presence.ts";
import { type Administrator, requireManagerOf, requirePeopleManager } from "../access/roles.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database, Transaction } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import type { ApplicationId, Tenant, UserId } from "../platform/ids.ts";
import { queueMessage } from "../platform/messages/outgoing-messages.ts";
import type { Random } from "../platform/random.ts";
import { findApplication } from "./find-application.ts";

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

interface Grant {
  readonly applicationId: ApplicationId;
  readonly userId: UserId;
  readonly requestId?: string;
}

/**
 * Lets a person of the application's fintech look at the application, or manage its tokens. Replaces what was granted before, and tells the
 * person unless it is the same, six times an hour at most for each application. For admins of the fintech, operator admins and the command
 * line. Throws `not_found` for an application or person that does not exist or that belongs to another fintech, or a person whose access
 * ended, `role_insufficient`, `step_up_required`.
 */
export async function grantAccess(
  { db, clock, random }: Deps,
  actor: Administrator,
  input: Grant & { readonly level: "view" | "manage" },
): Promise<void> {
  await transactionOf({ db }, actor, async (tx) => {
    const { tenant, name } = await manageableApplication(tx, actor, input.applicationId);
    if (actor.kind === "user") requireRecentPresence(actor, clock);
    const fintechAndPerson = [tenant.ifiId, tenant.fintechId, input.userId];
    const [person] = await tx.query(
      "SELECT FROM console_user WHERE ifi_id = $1 AND fintech_id = $2 AND user_id = $3 AND disabled_at IS NULL",
      fintechAndPerson,
    );
    if (!person) throw new NotFound("The fintech has no such person.");
    // Writes nothing where the same is granted already, be it by a request of the same moment: only a look before would miss that.
    const changed = await tx.query(
      `INSERT INTO application_access AS known (ifi_id, fintech_id, user_id, environment, application_id, level, granted_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (ifi_id, environment, fintech_id, application_id, user_id)
       DO UPDATE SET level = excluded.level, granted_at = excluded.granted_at WHERE known.level <> excluded.level
       RETURNING user_id`,
      [...fintechAndPerson, tenant.environment, input.applicationId, input.level, clock.now()],
    );
    await recordAudit(tx, { random }, actor, {
      action: "access.granted",
      object: { kind: "user", id: input.userId },
      fintech: tenant,
      details: { applicationId: input.applicationId, level: input.level },
      requestId: input.requestId,
    });
    if (changed.length > 0 && (await countGrants(tx, input)) <= noticesPerHourMax)
      await tellGranted(tx, { clock, random }, input, `${name} (${tenant.environment})`);
  });
}

/**
 * Ends a person's access to an application; tokens that they generated belong to the application and live on. Like {@link grantAccess}, but
 * needs no recent presence, since it only narrows. Returns whether the person is an admin, who sees every application without a grant.
 */
export async function revokeAccess(
  { db, random }: Omit<Deps, "clock">,
  actor: Administrator,
  input: Grant,
): Promise<{ readonly seesAll: boolean }> {
  return transactionOf({ db }, actor, async (tx) => {
    const { tenant } = await manageableApplication(tx, actor, input.applicationId);
    // A mistyped id must not be answered as if somebody's access had ended.
    const [person] = await tx.query<{ seesAll: boolean }>(
      `SELECT role = 'fintech_admin' AND disabled_at IS NULL AS "seesAll" FROM console_user
       WHERE ifi_id = $1 AND fintech_id = $2 AND user_id = $3`,
      [tenant.ifiId, tenant.fintechId, input.userId],
    );
    if (!person) throw new NotFound("The fintech has no such person.");
    const ended = await tx.query(
      `DELETE FROM application_access WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND application_id = $4 AND user_id = $5
       RETURNING user_id`,
      [tenant.ifiId, tenant.environment, tenant.fintechId, input.applicationId, input.userId],
    );
    if (ended.length > 0)
      await recordAudit(tx, { random }, actor, {
        action: "access.revoked",
        object: { kind: "user", id: input.userId },
        fintech: tenant,
        details: { applicationId: input.applicationId },
        requestId: input.requestId,
      });
    return person;
  });
}

/** Otherwise an admin who changes the level to and fro could fill somebody's phone, and the bank's bill, with messages. */
const noticesPerHourMax = 6;

/** How often the person's access to the application was granted within the last hour, this time included. */
async function countGrants(tx: Transaction, { userId, applicationId }: Grant): Promise<number> {
  const grants = await tx.query(
    `SELECT FROM audit_entry WHERE object_kind = 'user' AND object_id = $1 AND action = 'access.granted'
       AND at > (SELECT database_now()) - interval '1 hour' AND details->>'applicationId' = $2`,
    [userId, applicationId],
  );
  return grants.length;
}

async function tellGranted(
  tx: Transaction,
  parts: { readonly clock: Clock; readonly random: Random },
  { userId, level }: { readonly userId: UserId; readonly level: "view" | "manage" },
  application: string,
): Promise<void> {
  const addresses = await tx.query<{ channel: "sms" | "email"; address: string }>(
    "SELECT channel, address FROM identity WHERE user_id = $1 ORDER BY channel",
    [userId],
  );
  const may = level === "view" ? "look at" : "manage the tokens of";
  for (const { channel, address } of addresses)
    await queueMessage(tx, parts, {
      channel,
      to: address,
      subject: "You were given access to an application",
      text: `You may now ${may} ${application} in the Fusion Management Console.`,
      smsTemplate: "notice",
    });
}

async function manageableApplication(
  tx: Transaction,
  actor: Administrator,
  applicationId: ApplicationId,
): Promise<{ readonly tenant: Tenant; readonly name: string }> {
  requirePeopleManager(actor);
  const application = await findApplication(tx, applicationId);
  if (!application) throw new NotFound("There is no such application.");
  requireManagerOf(actor, application.tenant);
  return application;
}
