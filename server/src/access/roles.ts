import type { Role } from "@fusion/contract/login.ts";
import type { FintechKey } from "../platform/ids.ts";
import { RoleInsufficient } from "./errors.ts";
import type { CommandLinePrincipal, UserPrincipal } from "./principal.ts";

// Who may do what by role alone. Deny by default: a role that is not named here may not. Pure.

/** Someone who administers: a person in the console, or the Fusion team at the server's command line. */
export type Administrator = UserPrincipal | CommandLinePrincipal;

export function isOperatorRole(role: Role): boolean {
  return role === "operator_admin" || role === "operator_viewer";
}

export function isOfFintech(principal: UserPrincipal, fintech: FintechKey): boolean {
  return (
    principal.fintech !== null &&
    principal.fintech.ifiId === fintech.ifiId &&
    principal.fintech.fintechId === fintech.fintechId
  );
}

/** May change anything of any fintech: an operator admin, or the command line. */
export function isOperatorAdmin(actor: Administrator): boolean {
  return actor.kind === "cli" || actor.role === "operator_admin";
}

/** May see every fintech's people and tokens (metadata only). */
export function isOperator(actor: Administrator): boolean {
  return actor.kind === "cli" || isOperatorRole(actor.role);
}

/** May decide for this fintech: its own admin, an operator admin, or the command line. */
export function canAdminister(actor: Administrator, fintech: FintechKey): boolean {
  if (isOperatorAdmin(actor)) return true;
  return actor.kind === "user" && actor.role === "fintech_admin" && isOfFintech(actor, fintech);
}

/** May manage the people of this fintech, or (null) of the Fusion team. */
export function canManagePeopleOf(actor: Administrator, fintech: FintechKey | null): boolean {
  return fintech === null ? isOperatorAdmin(actor) : canAdminister(actor, fintech);
}

const peopleManagers = "an admin of the fintech or an operator admin";

/**
 * Throws {@link RoleInsufficient} for anyone who may manage nobody's access, before any person is looked up: the answer must not reveal
 * whether a person exists.
 */
export function requirePeopleManager(actor: Administrator): void {
  if (!isOperatorAdmin(actor) && !(actor.kind === "user" && actor.role === "fintech_admin"))
    throw new RoleInsufficient(peopleManagers);
}

/** Throws {@link RoleInsufficient} for anyone who may not decide for this fintech or its people, or (null) for the Fusion team's. */
export function requireManagerOf(actor: Administrator, fintech: FintechKey | null): void {
  if (!canManagePeopleOf(actor, fintech)) throw new RoleInsufficient(peopleManagers);
}

/** Throws {@link RoleInsufficient} unless the actor is an operator admin or the command line. */
export function requireOperatorAdmin(actor: Administrator): void {
  if (!isOperatorAdmin(actor)) throw new RoleInsufficient("an operator admin");
}

/** Throws {@link RoleInsufficient} unless the actor is of the Fusion team, as admin or viewer. */
export function requireOperator(actor: Administrator): void {
  if (!isOperator(actor)) throw new RoleInsufficient("somebody of the Fusion team");
}
