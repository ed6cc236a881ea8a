import { DomainError } from "../platform/errors.ts";
import type { TokenId } from "../platform/ids.ts";

/** The call carries no token at all. */
export class TokenMissing extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "token_missing";
  constructor() {
    super("Send a token in the X-Zeta-AuthToken header, or as Authorization: Bearer.");
  }
}

/** What was sent cannot be one of our tokens: wrong length, characters or checksum. */
export class TokenMalformed extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "token_malformed";
  constructor() {
    super("This is not a complete token. Check that it was copied whole.");
  }
}

/** The form is right but no such token was ever generated here. */
export class TokenUnknown extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "token_unknown";
  constructor() {
    super("This token is not known here. Check that it belongs to this environment and address.");
  }
}

export class TokenExpired extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "token_expired";
  constructor(tokenId: TokenId) {
    super("This token has expired. Generate another one in the console.", { fields: { tokenId } });
  }
}

export class TokenRevoked extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "token_revoked";
  /** The narrowing that every node must know of before a caller is told; undefined when every node knows it. */
  readonly epoch: number | undefined;
  constructor(tokenId: TokenId, epoch?: number) {
    super("This token was revoked. Generate another one in the console.", { fields: { tokenId } });
    this.epoch = epoch;
  }
}

/** The token may not be used from the caller's address. The error names the list that says so, but not what that list holds. */
export class IpNotAllowed extends DomainError {
  readonly kind = "forbidden";
  readonly code = "ip_not_allowed";
  constructor(refusedBy: "application" | "token", callerIp: string) {
    const list =
      refusedBy === "token"
        ? "the token's own IP allow-list"
        : "the IP allow-list of the token's application";
    super(`Calls from ${callerIp} are not allowed: the address is not in ${list}. Nothing was changed.`, {
      extensions: { refusedBy, callerIp },
    });
  }
}

/** The scopes or allow-lists of the token were changed while its request was under way, more than once. */
export class TokenPolicyChanged extends DomainError {
  readonly kind = "unavailable";
  readonly code = "token_policy_changed";
  constructor(tokenId: TokenId) {
    super("What this token may do was changed at this moment. Nothing was done. Try again.", {
      fields: { tokenId },
      retryAfterSeconds: 1,
    });
  }
}

/** Two authentication headers name different tokens: which one was meant cannot be told. */
export class ConflictingCredentials extends DomainError {
  readonly kind = "invalid";
  readonly code = "conflicting_credentials";
  constructor() {
    super("The authentication headers carry different values. Send one of them, or the same in both.");
  }
}

/** A repeat of a generation that succeeded. Its secret is not kept, so it cannot be answered again. */
export class TokenAlreadyIssued extends DomainError {
  readonly kind = "conflict";
  readonly code = "token_already_issued";
  constructor(tokenId: TokenId) {
    super(
      "This request was answered before and its token exists, but its secret cannot be shown again. Revoke that token and generate another one.",
      { extensions: { tokenId } },
    );
  }
}

/** The token to renew has an active replacement. */
export class TokenAlreadyRenewed extends DomainError {
  readonly kind = "conflict";
  readonly code = "token_already_renewed";
  constructor(replacementId: TokenId) {
    super("This token already has a replacement. Nothing was generated.", {
      extensions: { tokenId: replacementId },
    });
  }
}

/** A revoked token cannot be renewed: the person who revoked it wanted it gone. */
export class TokenNotRenewable extends DomainError {
  readonly kind = "conflict";
  readonly code = "token_not_renewable";
  constructor(tokenId: TokenId) {
    super("This token was revoked, so it cannot be renewed. Generate a token without renewing one.", {
      fields: { tokenId },
    });
  }
}

/** The application has as many active tokens as it may have. */
export class TokenLimitReached extends DomainError {
  readonly kind = "conflict";
  readonly code = "token_limit_reached";
  constructor(tokensMax: number) {
    super(
      `This application already has ${tokensMax} active ${tokensMax === 1 ? "token" : "tokens"}, as many as it may. Revoke one that is not needed, or renew one.`,
      { extensions: { tokensMax } },
    );
  }
}
