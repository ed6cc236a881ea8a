import { DomainError } from "../platform/errors.ts";
import { isUuid } from "../platform/ids.ts";
import type { Account } from "./account.ts";

/** The account does not exist, is another tenant's, or is the bank's own: all look alike on purpose. */
export class AccountNotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "account_not_found";
  readonly accountId: string;
  constructor(accountId: string) {
    // Repeats the id only if it may be an account's: people have sent other things in its place, secrets among them.
    super(isUuid(accountId) ? `There is no account ${accountId}.` : "There is no such account.");
    this.accountId = accountId;
  }
}

/** The bank's money for a funding account must be positive and fit. */
export class FundingAmountInvalid extends DomainError {
  readonly kind = "invalid";
  readonly code = "funding_amount_invalid";
  constructor() {
    super(
      "The amount must be a positive whole number of paise, and the balance must stay below 9,007,199,254,740,991 paise.",
    );
  }
}

/** A second funding account with the same name and currency must be asked for explicitly: most such requests repeat an earlier one. */
export class FundingAccountExists extends DomainError {
  readonly kind = "conflict";
  readonly code = "funding_account_exists";
  constructor({ name, currency, accountId, createdAt }: Account) {
    super(
      `There is a funding account ${name} in ${currency} already: ${accountId}, opened ${createdAt.toISOString()}. If another one is wanted, add --another.`,
    );
  }
}
