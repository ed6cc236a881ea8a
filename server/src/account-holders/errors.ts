import { DomainError, type FieldError } from "../platform/errors.ts";

/** What was submitted about a person cannot be accepted. `wireCode` is one of the reference's section 3.3, or FU4000. */
export class HolderApplicationInvalid extends DomainError {
  readonly kind = "invalid";
  readonly code = "holder_application_invalid";
  constructor(wireCode: string, message: string, fieldErrors: readonly FieldError[] = []) {
    super(message, { fieldErrors, extensions: { errorCode: wireCode } });
  }
}

/** The formID was used before, with other content. */
export class FormIdReused extends DomainError {
  readonly kind = "invalid";
  readonly code = "form_id_reused";
  constructor() {
    super("The formID must be unique: it was used before with different content.", {
      fieldErrors: [{ pointer: "/formID", detail: "was used before with different content" }],
      extensions: { errorCode: "AR400004" },
    });
  }
}

/** No such account holder, or not one that this fintech submitted: both look alike on purpose. */
export class AccountHolderNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "account_holder_not_found";
  constructor() {
    super("There is no such account holder.");
  }
}
