import type { Role } from "@fusion/contract/login.ts";
import type { Administrator } from "../access/roles.ts";
import { isOfFintech, isOperator, isOperatorAdmin } from "../access/roles.ts";
import type { ApplicationId, Tenant } from "../platform/ids.ts";

/** An application with what its fintech prescribes for it. */
export interface Application {
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
  readonly name: string;
  readonly description: string;
  /** Which scopes its tokens may have. */
  readonly scopes: readonly string[];
  /** CIDR ranges from which its tokens may be used; empty: from anywhere. */
  readonly ipAllowList: readonly string[];
  readonly suspendedAt: Date | null;
  readonly createdAt: Date;
  readonly fintechName: string;
  readonly fintechSuspendedAt: Date | null;
  /** Identifies the fintech to the token service. */
  readonly clientId: string;
  readonly timeZone: string;
  /** The local time at which its fintech is reminded, `HH:MM`. */
  readonly reminderTime: string;
  /** How many active tokens it may have: its own limit, else the fintech's. */
  readonly tokensMax: number;
  readonly lifetimeDaysMax: number;
}

/** Whether its tokens are refused and none can be generated, because it or its fintech is suspended. */
export function isSuspended(application: Pick<Application, "suspendedAt" | "fintechSuspendedAt">): boolean {
  return application.suspendedAt !== null || application.fintechSuspendedAt !== null;
}

/** What a person was granted on one application; null without a grant. */
export type GrantedLevel = "view" | "manage" | null;

/**
 * What somebody may do with an application: nothing (it does not exist for them), look, or manage its tokens. The Fusion team looks at all
 * and manages none, since a person who manages sees secrets; in an emergency an operator admin may revoke ({@link canRevoke}).
 */
export function accessLevel(
  actor: Administrator,
  application: Application,
  granted: GrantedLevel,
): GrantedLevel {
  if (isOperator(actor)) return "view";
  if (actor.kind !== "user" || !isOfFintech(actor, application.tenant)) return null;
  return (actor.role satisfies Role) === "fintech_admin" ? "manage" : granted;
}

/** Whether the actor may end tokens of an application that they have this access to. */
export function canRevoke(actor: Administrator, level: GrantedLevel): boolean {
  return level === "manage" || (level === "view" && isOperatorAdmin(actor));
}
