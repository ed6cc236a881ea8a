import { newPersonFaults, type Role } from "@fusion/contract/login.ts";
import type { CommandLinePrincipal, UserPrincipal } from "../../access/principal.ts";
import { requireRecentPresence } from "../../access/recent-presence.ts";
import { isOperatorRole, requireManagerOf } from "../../access/roles.ts";
import { transactionOf } from "../../access/transaction-of.ts";
import { describeActor, recordAudit } from "../../audit/record.ts";
import type { Clock } from "../../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../../platform/database/database.ts";
import { type FieldError, NotFound } from "../../platform/errors.ts";
import { type FintechKey, newId, type UserId } from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import { IdentityTaken, IdentityTakenLimited, PeopleAddedLimited, PersonInvalid } from "../errors.ts";
import { type Address, maskAddress } from "../identifier.ts";
import { accessGiven, adminAdded } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import { findTaken, insertIdentity } from "./identity-store.ts";
import { listAdminsOver } from "./list-admins-over.ts";
import { readAddress, readName } from "./person-input.ts";
import { lockPerson } from "./person-store.ts";

export interface NewUser {
  readonly name: string;
  readonly role: Role;
  /** Null for the Fusion team. */
  readonly fintech: FintechKey | null;
  /** As people write it; at least one of the two. */
  readonly phone?: string | undefined;
  readonly email?: string | undefined;
  readonly requestId?: string;
}

/**
 * Gives a person access to the console: they log in with a code to one of their addresses and then set their password. They are told on
 * each address. For an operator admin, the command line, and an admin of the same fintech, who may also make further admins. All other
 * admins are told of each new admin, whoever made it, so that none comes in unseen. The caller learns when an address is taken; if the
 * caller is a person, that is kept in the audit trail and allowed ten times an hour, and nobody is added where fifty people were added
 * within the last hour. Throws `role_insufficient`, `step_up_required`, `person_invalid`, `identity_taken`, `identity_taken_limited`,
 * `people_added_limited`, `not_found` (no such fintech).
 */
export async function createUser(
  deps: {
    readonly db: Database;
    readonly clock: Clock;
    readonly random: Random;
    /** Where the console is. */
    readonly publicUrl: string;
  },
  actor: UserPrincipal | CommandLinePrincipal,
  input: NewUser,
): Promise<{ readonly userId: UserId; readonly identities: readonly Address[] }> {
  requireManagerOf(actor, input.fintech);
  if (actor.kind === "user") requireRecentPresence(actor, deps.clock);
  const { name, identities } = readPerson(input);
  const userId = newId<UserId>(deps.random, "usr");
  const now = deps.clock.now();
  // A taken address is returned from the transaction, not thrown: throwing would undo its audit entry.
  const taken = await transactionOf({ db: deps.db, scope: systemScope }, actor, async (tx) => {
    let fintechName: string | null = null;
    if (input.fintech) {
      const [fintech] = await tx.query<{ name: string }>(
        "SELECT name FROM fintech WHERE ifi_id = $1 AND fintech_id = $2",
        [input.fintech.ifiId, input.fintech.fintechId],
      );
      if (!fintech) throw new NotFound("There is no such fintech.");
      fintechName = fintech.name;
    }
    if (actor.kind === "user") {
      await requireFewRefusals(tx, actor);
      await requireFewAdded(tx, input.fintech, now);
      const found = await findTaken(tx, identities);
      if (found) {
        await recordAudit(tx, deps, actor, {
          action: refused,
          object: { kind: "user", id: actor.userId },
          fintech: actor.fintech,
          details: { channel: found.channel, address: maskAddress(found) },
          requestId: input.requestId,
        });
        return found;
      }
    }
    await tx.query(
      "INSERT INTO console_user (user_id, name, role, ifi_id, fintech_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
      [userId, name, input.role, input.fintech?.ifiId ?? null, input.fintech?.fintechId ?? null, now],
    );
    for (const identity of identities)
      if (!(await insertIdentity(tx, userId, identity, now))) throw new IdentityTaken(identity.channel);
    await recordAudit(tx, deps, actor, {
      action: "user.created",
      object: { kind: "user", id: userId },
      fintech: input.fintech,
      details: { name, role: input.role, identities: identities.map((identity) => identity.channel) },
      requestId: input.requestId,
    });
    await tell(tx, deps, identities, accessGiven(name, fintechName, deps.publicUrl));
    if (input.role.endsWith("_admin") && (await hasOtherAdmin(tx, { ...input, userId })))
      await tell(
        tx,
        deps,
        await listAdminsOver(tx, userId),
        adminAdded({ name, fintechName }, describeActor(actor).name, now),
      );
    return undefined;
  });
  if (taken) throw new IdentityTaken(taken.channel);
  return { userId, identities };
}

/** The audit action. Its object is the person who asked, since the person whom they wanted to add does not exist. */
const refused = "user.address-refused";
const refusalsPerHour = 10;

/** Locks the person, so that each of several concurrent requests sees the refusals before it. */
async function requireFewRefusals(tx: Transaction, { userId }: UserPrincipal): Promise<void> {
  await lockPerson(tx, userId);
  const [row] = await tx.query<{ seconds: number }>(
    `SELECT ceil(extract(epoch FROM at + interval '1 hour' - database_now()))::int AS seconds FROM audit_entry
     WHERE object_kind = 'user' AND object_id = $1 AND action = $2 AND at > (SELECT database_now()) - interval '1 hour'
     ORDER BY at DESC OFFSET $3 LIMIT 1`,
    [userId, refused, refusalsPerHour - 1],
  );
  if (row) throw new IdentityTakenLimited(Math.max(1, row.seconds));
}

const addedPerHour = 50;

/**
 * Counts all who were added to the fintech, or (null) to the Fusion team, so that a second admin is not another share. Concurrent requests
 * of one person come one after the other (`requireFewRefusals`); those of several may exceed the limit by a few.
 */
async function requireFewAdded(tx: Transaction, fintech: FintechKey | null, now: Date): Promise<void> {
  const [row] = await tx.query<{ seconds: number }>(
    `SELECT ceil(extract(epoch FROM created_at + interval '1 hour' - $3::timestamptz))::int AS seconds FROM console_user
     WHERE ifi_id IS NOT DISTINCT FROM $1 AND fintech_id IS NOT DISTINCT FROM $2 AND created_at > $3::timestamptz - interval '1 hour'
     ORDER BY created_at DESC OFFSET $4 LIMIT 1`,
    [fintech?.ifiId ?? null, fintech?.fintechId ?? null, now, addedPerHour - 1],
  );
  if (row) throw new PeopleAddedLimited(Math.max(1, row.seconds));
}

/** Nobody needs to be told of the first admin of a fintech or of the Fusion team. */
async function hasOtherAdmin(
  tx: Transaction,
  { userId, role, fintech }: Pick<NewUser, "role" | "fintech"> & { readonly userId: UserId },
): Promise<boolean> {
  const found = await tx.query(
    `SELECT FROM console_user WHERE role = $1 AND ifi_id IS NOT DISTINCT FROM $2 AND fintech_id IS NOT DISTINCT FROM $3
       AND user_id <> $4 AND disabled_at IS NULL LIMIT 1`,
    [role, fintech?.ifiId ?? null, fintech?.fintechId ?? null, userId],
  );
  return found.length > 0;
}

/** Throws `person_invalid` with all that is wrong. */
function readPerson(input: NewUser): { readonly name: string; readonly identities: readonly Address[] } {
  const faults: FieldError[] = [];
  const read = <Value>(reading: () => Value): Value | undefined => {
    try {
      return reading();
    } catch (error) {
      if (!(error instanceof PersonInvalid)) throw error;
      faults.push(...error.fieldErrors);
      return undefined;
    }
  };
  const name = read(() => readName(input.name)) ?? "";
  if (isOperatorRole(input.role) !== (input.fintech === null))
    faults.push(
      input.fintech === null
        ? {
            pointer: "/fintech",
            detail: "A fintech's admins and members need a fintech that they belong to.",
          }
        : { pointer: "/role", detail: "Operators belong to no fintech." },
    );
  const { phone, email } = input;
  if (phone === undefined && email === undefined)
    faults.push({ pointer: "/email", detail: newPersonFaults.noAddress });
  const identities = [
    phone === undefined ? undefined : read(() => readAddress("sms", phone)),
    email === undefined ? undefined : read(() => readAddress("email", email)),
  ].filter((identity) => identity !== undefined);
  const [first, ...further] = faults;
  if (first) throw new PersonInvalid(first.pointer, first.detail, further);
  return { name, identities };
}
