import { DomainError } from "../platform/errors.ts";

/** The token is good, but its fintech has nothing to do with the bank in the path. */
export class IfiNotAllowed extends DomainError {
  readonly kind = "forbidden";
  readonly code = "ifi_not_allowed";
  constructor() {
    super("This token gives no access to the ifiID in the address.");
  }
}

/** The query cannot be decoded. A look-up would search for something else than was meant, so its "there is none" would mislead. */
export class QueryNotDecodable extends DomainError {
  readonly kind = "invalid";
  readonly code = "invalid_request";
  constructor() {
    super("The address is not percent-encoded UTF-8 behind its question mark.");
  }
}
