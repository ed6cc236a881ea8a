import { DomainError } from "../platform/errors.ts";

// Each has the platform's code (wire contract, section 3.4) beside our own; `fusion-api` puts both into the answer.

/** The request id was used before, for other accounts, another amount, currency or transfer code. */
export class RequestMismatch extends DomainError {
  readonly kind = "conflict";
  readonly code = "REQUEST_MISMATCH";
  constructor() {
    super("The request has an old requestID, but different content", {
      extensions: { errorCode: "REQUEST_MISMATCH" },
    });
  }
}

/** The debit account would go below its floor. The message is part of the contract: clients compare it. */
export class InsufficientBalance extends DomainError {
  readonly kind = "forbidden";
  readonly code = "insufficient_balance";
  constructor() {
    super("Insufficient balance in Account", { extensions: { errorCode: "LE400008" } });
  }
}

/** One of the accounts is in another currency. */
export class CurrencyMismatch extends DomainError {
  readonly kind = "forbidden";
  readonly code = "currency_mismatch";
  constructor(accountId: string, currency: string) {
    super(`Account ${accountId} is in ${currency}`, { extensions: { errorCode: "LE400024" } });
  }
}

/** One of the accounts is disabled. */
export class TransactionNotAllowed extends DomainError {
  readonly kind = "forbidden";
  readonly code = "transaction_not_allowed";
  constructor(accountId: string) {
    super(`Account ${accountId} is disabled`, { extensions: { errorCode: "LE400025" } });
  }
}

/** A transfer with a reversal code that undoes nothing: no such transfer went the other way. */
export class ReversalWithoutOriginal extends DomainError {
  readonly kind = "forbidden";
  readonly code = "reversal_without_original";
  constructor() {
    super("There is no transfer that this reversal could undo", { extensions: { errorCode: "LE400026" } });
  }
}

/** A reversal of more than is left of its original. */
export class ReversalAmountInvalid extends DomainError {
  readonly kind = "forbidden";
  readonly code = "reversal_amount_invalid";
  constructor() {
    super("The reversal is for more than the transfer moved and was not reversed before", {
      extensions: { errorCode: "LE400030" },
    });
  }
}

/** No transfer of the caller's has this id. */
export class TransferNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "transfer_not_found";
  constructor() {
    super("There is no such transfer.");
  }
}

/** More transfers are waiting than this process takes on. None of this one has begun. */
export class TransfersBusy extends DomainError {
  readonly kind = "unavailable";
  readonly code = "transfers_busy";
  constructor() {
    super("Too many transfers are waiting. This one was not begun; try again shortly.", {
      retryAfterSeconds: 1,
    });
  }
}

/**
 * The database went away or did not answer during the commit, and did not say in time whether the commit happened. Names the request id,
 * under which a repeat moves the money once. `isMade` is true where the caller sent no id, and so cannot know it.
 */
export class TransferOutcomeUnknown extends DomainError {
  readonly kind = "unavailable";
  readonly code = "transfer_outcome_unknown";
  constructor(cause: unknown, requestId: string, { isMade = false }: { readonly isMade?: boolean } = {}) {
    const id = isMade ? `the requestID ${requestId}, which was made for it` : "the same requestID";
    super(
      `It is not known whether the money moved. Repeat the call with ${id}: it moves once, and the answer says what happened.`,
      { retryAfterSeconds: 1, cause, extensions: { requestID: requestId } },
    );
  }
}
