import type { Uncounted } from "../ledger/count-usage.ts";
import { DomainError } from "../platform/errors.ts";
import type { Tenant } from "../platform/ids.ts";

// The codes of limits (wire contract, section 3.4) that can occur here. The others (16 to 19, 22, 23, 27 to 29, 31, 32) are about minimum
// balances, times of day, authorisations and coupons, for which there are no rules here.

const meanings = {
  LE400001: "The amount is above the maximum of one transfer",
  LE400002: "Too many transfers today",
  LE400003: "Too many transfers this week",
  LE400004: "Too many transfers this month",
  LE400005: "Too many transfers this quarter",
  LE400006: "Too many transfers this year",
  LE400007: "More would be held than the maximum balance",
  LE400009: "The amount is below the minimum of one transfer",
  LE400011: "Too much moved today",
  LE400012: "Too much moved this week",
  LE400013: "Too much moved this month",
  LE400014: "Too much moved this quarter",
  LE400015: "Too much moved this year",
  LE400020: "The transfer code is disallowed",
  LE400021: "The transfer code is not among those allowed",
} as const;
export type LimitCode = keyof typeof meanings;

const sources = { product: "account product", kyc: "KYC level", policy: "transaction policy" } as const;

/** A limit of an account's product, of its holder's KYC level or of a policy forbids the transfer. Nothing was moved. */
export class LimitExceeded extends DomainError {
  readonly kind = "forbidden";
  readonly code = "limit_exceeded";
  constructor(
    errorCode: LimitCode,
    at: {
      readonly source: keyof typeof sources;
      readonly name: string;
      readonly direction: "DEBIT" | "CREDIT";
      readonly accountId: string;
    },
  ) {
    super(
      `${meanings[errorCode]} (${at.direction.toLowerCase()} limit of the ${sources[at.source]} ${at.name})`,
      { extensions: { errorCode, limitOf: at.source, limitName: at.name, accountID: at.accountId } },
    );
  }
}

/**
 * Limits need to know what was moved in the current periods, and counting that takes more postings than a batch reads. Nothing was moved.
 */
export class LimitsNotCounted extends DomainError {
  readonly kind = "unavailable";
  readonly code = "limits_not_counted";
  readonly tenant: Tenant;
  readonly of: Uncounted;
  constructor(tenant: Tenant, of: Uncounted) {
    super(
      "What the account has used of its limits is still being counted. Nothing was moved; try again shortly.",
      {
        retryAfterSeconds: 2,
      },
    );
    this.tenant = tenant;
    this.of = of;
  }
}
