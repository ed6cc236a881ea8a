import { describe, expect, it } from "vitest";
import { ScopeInsufficient } from "../../access/errors.ts";
import { ApplicationSuspended, FintechSuspended } from "../../fintechs/errors.ts";
import { DomainError } from "../../platform/errors.ts";
import { describeFailure } from "../../platform/http/problem.ts";
import { RateLimited } from "../../platform/http/request-errors.ts";
import type { TokenId } from "../../platform/ids.ts";
import {
  ConflictingCredentials,
  TokenExpired,
  TokenMalformed,
  TokenMissing,
  TokenRevoked,
  TokenUnknown,
} from "../errors.ts";
import { bearerChallenge } from "./bearer-challenge.ts";

// RFC 6750 section 3, for every answer about a token; the gateway check, the Fusion API and whatever else takes tokens share it.

const tokenId = "tok_1" as TokenId;
const challengeOf = (error: DomainError): string | undefined =>
  bearerChallenge(describeFailure(error), "Fusion");

class Quoting extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "token_unknown";
  constructor() {
    super('A "quoted" \\ mâché\nmessage');
  }
}

describe("RFC 6750 section 3", () => {
  const refusals = [
    new TokenMissing(),
    new TokenMalformed(),
    new TokenUnknown(),
    new TokenExpired(tokenId),
    new TokenRevoked(tokenId),
    new ConflictingCredentials(),
    new ScopeInsufficient("transfers:write"),
    new ApplicationSuspended(),
    new FintechSuspended(),
    new Quoting(),
  ];

  it("whoever has no token that opens what was asked for must be challenged, in the scheme Bearer", () => {
    for (const refusal of refusals) expect(challengeOf(refusal)).toMatch(/^Bearer realm="Fusion"/);
  });

  it("no attribute must appear more than once, nor a character that the section leaves out", () => {
    for (const refusal of refusals) {
      const attributes = [...(challengeOf(refusal) ?? "").matchAll(/(?:^Bearer |, )(\w+)="([^"]*)"/g)];
      const names = attributes.map(([, name]) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names[0]).toBe("realm");
      for (const [, name, value] of attributes)
        expect(value).toMatch(
          name === "scope" ? /^[\x21\x23-\x5b\x5d-\x7e]+$/ : /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/,
        );
    }
  });

  it("what is not about the token carries no challenge", () => {
    expect(challengeOf(new RateLimited(1, "with this token"))).toBeUndefined();
  });
});

describe("RFC 6750 section 3.1", () => {
  it("a request without authentication should be told no error code", () => {
    expect(challengeOf(new TokenMissing())).toBe('Bearer realm="Fusion"');
  });

  it("names the code of each fault: invalid_request, invalid_token, insufficient_scope with the scope that is needed", () => {
    expect(challengeOf(new ConflictingCredentials())).toContain('error="invalid_request"');
    for (const refusal of [
      new TokenMalformed(),
      new TokenUnknown(),
      new TokenExpired(tokenId),
      new TokenRevoked(tokenId),
    ])
      expect(challengeOf(refusal)).toContain('error="invalid_token"');
    expect(challengeOf(new ScopeInsufficient("transfers:write"))).toBe(
      'Bearer realm="Fusion", error="insufficient_scope", scope="transfers:write"',
    );
  });
});
