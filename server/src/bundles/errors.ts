import { DomainError } from "../platform/errors.ts";

/** No such bundle, or another fintech's: both look alike on purpose. */
export class BundleNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "bundle_not_found";
  constructor() {
    super("There is no such bundle.");
  }
}

/** The bundle may no longer be issued. */
export class BundleInactive extends DomainError {
  readonly kind = "invalid";
  readonly code = "bundle_inactive";
  constructor() {
    super("This bundle is inactive, so nothing can be issued from it.");
  }
}

/** The bundle has no such account product. */
export class AccountProductNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "account_product_not_found";
  constructor() {
    super("The bundle has no such account product.");
  }
}

/** No such payment instrument, or another fintech's: both look alike on purpose. */
export class ResourceNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "resource_not_found";
  constructor() {
    super("There is no such resource.");
  }
}

/** The requestID was used before, for something else. The words are prescribed (wire contract, section 3.1, c). */
export class IssuanceMismatch extends DomainError {
  readonly kind = "conflict";
  readonly code = "REQUEST_MISMATCH";
  constructor() {
    super("The request has an old requestID, but different content", {
      extensions: { errorCode: "REQUEST_MISMATCH" },
    });
  }
}

/** The bundle has no such payment product. */
export class PaymentProductNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "payment_product_not_found";
  constructor() {
    super("The bundle has no such payment product.");
  }
}

/** The payment instrument has no such card or phone, or the instrument is another fintech's: both look alike on purpose. */
export class FormFactorNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "form_factor_not_found";
  constructor() {
    super("The payment instrument has no such form factor.");
  }
}

/** Deletion is final, and a deleted instrument gets no new cards or phones. */
export class FormFactorDeleted extends DomainError {
  readonly kind = "conflict";
  readonly code = "form_factor_deleted";
  constructor(what: "form factor" | "payment instrument") {
    super(`This ${what} was deleted, which is final.`);
  }
}

/** An instrument may have only a limited number of cards and phones. */
export class FormFactorsExceeded extends DomainError {
  readonly kind = "invalid";
  readonly code = "form_factors_exceeded";
  constructor() {
    super("The payment instrument has as many form factors as one may have.");
  }
}

/**
 * The answer to the commit was lost, so it is not known whether anything was issued. Names the request id, under which a repeat issues
 * once. `isMade` is true where the caller sent no id, and so cannot know it.
 */
export class IssuanceOutcomeUnknown extends DomainError {
  readonly kind = "unavailable";
  readonly code = "outcome_unknown";
  constructor(cause: unknown, requestId: string, { isMade }: { readonly isMade: boolean }) {
    const id = isMade ? `the requestID ${requestId}, which was made for it` : "the same requestID";
    super(
      `It is not known whether this was issued. Repeat the call with ${id}: it is issued once, and the answer says what.`,
      { retryAfterSeconds: 1, cause, extensions: { requestID: requestId } },
    );
  }
}
