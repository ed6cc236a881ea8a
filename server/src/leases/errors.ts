import { DomainError } from "../platform/errors.ts";

/** This process holds no lease and gets none, so it cannot tell whether a token is still valid: it refuses rather than guess. */
export class LeaseUnavailable extends DomainError {
  readonly kind = "unavailable";
  readonly code = "token_state_unknown";
  constructor(cause?: unknown) {
    super("Whether this token is valid cannot be told at this moment. Try again shortly.", {
      retryAfterSeconds: 1,
      cause,
    });
  }
}

/**
 * The change is written, but it is not certain that every process knows of it. The same request again changes nothing more and waits
 * anew.
 */
export class ChangeUnconfirmed extends DomainError {
  readonly kind = "unavailable";
  readonly code = "change_unconfirmed";
  constructor(extensions: Record<string, unknown> = {}, cause?: unknown) {
    super("The change is written, but not yet confirmed everywhere. Send the same request again.", {
      retryAfterSeconds: 1,
      extensions,
      cause,
    });
  }
}
