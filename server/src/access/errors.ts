import type { Scope } from "@fusion/contract/scopes.ts";
import { DomainError } from "../platform/errors.ts";

/** No session cookie, or its session ended, expired, or belongs to a person whose access ended: all alike. */
export class SessionRequired extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "session_required";
  constructor() {
    super("Log in to go on. If you were logged in, the session has ended.");
  }
}

/** The caller is known, but their role does not allow this. */
export class RoleInsufficient extends DomainError {
  readonly kind = "forbidden";
  readonly code = "role_insufficient";
  constructor(needed: string) {
    super(`Your role does not allow this. It takes ${needed}.`);
  }
}

/** Presence was proven too long ago for what is asked; a fresh one-time code helps. */
export class StepUpRequired extends DomainError {
  readonly kind = "forbidden";
  readonly code = "step_up_required";
  constructor() {
    super("Prove that it is you with a one-time code, then try again. Nothing was changed.");
  }
}

/** The token's scopes do not cover what is asked. */
export class ScopeInsufficient extends DomainError {
  readonly kind = "forbidden";
  readonly code = "scope_insufficient";
  constructor(required: Scope) {
    super(`The token lacks the scope ${required}.`, { extensions: { requiredScope: required } });
  }
}
