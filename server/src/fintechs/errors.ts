import { DomainError } from "../platform/errors.ts";

/** The Fusion team has suspended the application: its tokens are refused and none can be generated. */
export class ApplicationSuspended extends DomainError {
  readonly kind = "forbidden";
  readonly code = "application_suspended";
  constructor() {
    super("The Fusion team has suspended this application. Ask them why.");
  }
}

/** The Fusion team has suspended the whole fintech. */
export class FintechSuspended extends DomainError {
  readonly kind = "forbidden";
  readonly code = "fintech_suspended";
  constructor() {
    super("The Fusion team has suspended this fintech. Ask them why.");
  }
}

/** An IFI, fintech or client id with this identifier exists already. */
export class AlreadyExists extends DomainError {
  readonly kind = "conflict";
  readonly code = "already_exists";
}
