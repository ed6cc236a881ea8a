import { RoleInsufficient } from "../access/errors.ts";
import type { Administrator } from "../access/roles.ts";
import type { Transaction } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { type Application, accessLevel, canRevoke } from "./application.ts";
import { findApplicationWithGrant, listApplicationRows } from "./application-store.ts";

/** An application, and what one person may do with it. */
export interface ReachableApplication extends Application {
  /** May generate tokens and change reminders that others set up. */
  readonly canManage: boolean;
  /** May end its tokens. */
  readonly canRevoke: boolean;
}

/** The application, whoever asks: for what the program itself says of it. {@link findApplicationFor} decides what a caller may see. */
export async function findApplication(
  tx: Transaction,
  applicationId: ApplicationId,
): Promise<Application | undefined> {
  return (await findApplicationWithGrant(tx, applicationId, null))?.application;
}

/** The application if this person may see it; undefined alike when it does not exist and when it is not theirs. */
export async function findApplicationFor(
  tx: Transaction,
  actor: Administrator,
  applicationId: ApplicationId,
): Promise<ReachableApplication | undefined> {
  const found = await findApplicationWithGrant(
    tx,
    applicationId,
    actor.kind === "user" ? actor.userId : null,
  );
  return found && reachable(actor, found);
}

/** {@link findApplicationFor} for an application that must exist; throws {@link NotFound}. */
export async function getApplicationFor(
  tx: Transaction,
  actor: Administrator,
  applicationId: ApplicationId,
): Promise<ReachableApplication> {
  const application = await findApplicationFor(tx, actor, applicationId);
  if (!application) throw new NotFound("There is no such application.");
  return application;
}

const managers = "an admin of the fintech, or a person who may manage this application";

/**
 * {@link getApplicationFor} for a person who makes tokens and endpoints of it. Throws {@link RoleInsufficient} for one who may only look.
 */
export async function getApplicationToManage(
  tx: Transaction,
  actor: Administrator,
  applicationId: ApplicationId,
): Promise<ReachableApplication> {
  const application = await getApplicationFor(tx, actor, applicationId);
  requireManage(application);
  return application;
}

/** Throws {@link RoleInsufficient} for a person who may only look at an application, or at what belongs to it. */
export function requireManage({ canManage }: Pick<ReachableApplication, "canManage">): void {
  if (!canManage) throw new RoleInsufficient(managers);
}

/**
 * Throws {@link RoleInsufficient} for a person who may not end an application's tokens. The message does not mention operator admins, who
 * may do so in an emergency: it sends people to somebody they know.
 */
export function requireRevoke({ canRevoke }: Pick<ReachableApplication, "canRevoke">): void {
  if (!canRevoke) throw new RoleInsufficient(managers);
}

/** Every application that this person may see, by fintech, live before sandbox, then by name. */
export async function listApplicationsFor(
  tx: Transaction,
  actor: Administrator,
): Promise<ReachableApplication[]> {
  const rows = await listApplicationRows(tx, actor.kind === "user" ? actor.userId : null);
  return rows.flatMap((row) => reachable(actor, row) ?? []);
}

function reachable(
  actor: Administrator,
  { application, granted }: Awaited<ReturnType<typeof listApplicationRows>>[number],
): ReachableApplication | undefined {
  const level = accessLevel(actor, application, granted);
  if (level === null) return undefined;
  return { ...application, canManage: level === "manage", canRevoke: canRevoke(actor, level) };
}
