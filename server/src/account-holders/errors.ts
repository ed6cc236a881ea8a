import { DomainError, type FieldError } from "../platform/errors.ts";

/** What was submitted about a person cannot be accepted. `wireCode` is FU4000 or one of the codes of wire contract, section 3.3. */
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

/** The account holder does not exist, or this fintech did not submit it: both look alike on purpose. */
export class AccountHolderNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "account_holder_not_found";
  constructor() {
    super("There is no such account holder.");
  }
}

/**
 * The phone or number belongs to an account holder of this bank (AR400003). The words are always the same: they tell nobody which, nor
 * whose. Only what the fintech itself submitted of this very holder may be named.
 */
export class AccountHolderExists extends DomainError {
  readonly kind = "invalid";
  readonly code = "account_holder_exists";
  constructor(
    message = "An account holder with this phone, PAN, Aadhaar or passport number already exists.",
  ) {
    super(message, { extensions: { errorCode: "AR400003" } });
  }
}

/** No such application, or another fintech's: both look alike on purpose. 400 (wire contract, section 3.3). */
export class HolderApplicationNotFound extends DomainError {
  readonly kind = "invalid";
  readonly code = "holder_application_not_found";
  constructor() {
    super("There is no such application.", { extensions: { errorCode: "AR4000014" } });
  }
}

/** An approved application has become the account holder's record and stays as it is. */
export class ApprovedApplicationFixed extends DomainError {
  readonly kind = "invalid";
  readonly code = "holder_application_approved";
  constructor() {
    super("An approved application cannot be updated.", { extensions: { errorCode: "AR4000015" } });
  }
}

/** Nothing was changed: the application was rejected, which is final, or the request names nothing to change. */
export class ApplicationNotUpdated extends DomainError {
  readonly kind = "invalid";
  readonly code = "holder_application_not_updated";
  constructor(reason: string) {
    super(`The application was not updated: ${reason}.`, { extensions: { errorCode: "AR4000016" } });
  }
}

/** The bank has already decided, and decides only once. AR400020 for an attempt to approve, AR400021 for one to reject. */
export class ApplicationAlreadyDecided extends DomainError {
  readonly kind = "conflict";
  readonly code = "holder_application_decided";
  constructor(now: "approve" | "reject", status: string) {
    super(
      `The application is ${status} already; ${now === "approve" ? "approving" : "rejecting"} again is not allowed.`,
      {
        extensions: { errorCode: now === "approve" ? "AR400020" : "AR400021", status },
      },
    );
  }
}

/** The requestID was used before, for something else. The words are prescribed (wire contract, section 3.1, c). */
export class HolderRequestMismatch extends DomainError {
  readonly kind = "conflict";
  readonly code = "REQUEST_MISMATCH";
  constructor() {
    super("The request has an old requestID, but different content", {
      extensions: { errorCode: "REQUEST_MISMATCH" },
    });
  }
}

/** The holder, or its application, already has as many of these as allowed. */
export class HolderPartsExceeded extends DomainError {
  readonly kind = "invalid";
  readonly code = "holder_parts_exceeded";
  constructor(what: string) {
    super(`There are as many ${what} as there may be.`);
  }
}

/** The {@link AccountHolderNotFound} of the beneficiary operations (wire contract, section 3.5). */
export class BeneficiaryHolderNotFound extends DomainError {
  readonly kind = "invalid";
  readonly code = "beneficiary_holder_not_found";
  constructor() {
    super("There is no such account holder.", { extensions: { errorCode: "ACC400031" } });
  }
}

/** The requestID of a beneficiary or of its account was used before, with other content. */
export class BeneficiaryRequestReused extends DomainError {
  readonly kind = "invalid";
  readonly code = "beneficiary_request_reused";
  constructor() {
    super("The requestID was used before with different content.", {
      extensions: { errorCode: "ACC400038" },
    });
  }
}

/** A beneficiary of the holder has this bank account or UPI address already. */
export class BeneficiaryAccountExists extends DomainError {
  readonly kind = "invalid";
  readonly code = "beneficiary_account_exists";
  constructor() {
    super("A beneficiary with this account already exists.", { extensions: { errorCode: "ACC400065" } });
  }
}

/** The holder has no such beneficiary. */
export class BeneficiaryNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "beneficiary_not_found";
  constructor() {
    super("There is no such beneficiary.");
  }
}

/**
 * The holder already has a policy of this name. The platform answers 500 with this word (wire contract, section 3.5); we say what it is.
 */
export class PolicyAlreadyExists extends DomainError {
  readonly kind = "conflict";
  readonly code = "POLICY_ALREADY_EXISTS";
  constructor() {
    super("POLICY_ALREADY_EXISTS", { extensions: { errorCode: "POLICY_ALREADY_EXISTS" } });
  }
}

/** The holder has no policy with this id. */
export class TransactionPolicyNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "transaction_policy_not_found";
  constructor() {
    super("There is no such transaction policy.");
  }
}
