import type { ApplicationId, Tenant, TokenId } from "../../platform/ids.ts";

/** The token of a call, with its owner. */
export interface UsedToken {
  readonly tokenId: TokenId;
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
}

/** A call that presented a known token. */
export interface TokenCall {
  readonly ip: string;
  readonly userAgent: string;
  /** Method and route pattern, such as `POST /transfers`. */
  readonly route: string;
  /** `accepted`, or the code with which the token was refused. */
  readonly outcome: string;
}
