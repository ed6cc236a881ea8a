import { DomainError } from "../platform/errors.ts";

/** The token is good, but its fintech has nothing to do with the bank in the path. */
export class IfiNotAllowed extends DomainError {
  readonly kind = "forbidden";
  readonly code = "ifi_not_allowed";
  constructor() {
    super("This token gives no access to the ifiID in the address.");
  }
}

/** What is looked up by such a query is not what was meant, and "there is none" would be no answer to rely on. */
export class QueryNotDecodable extends DomainError {
  readonly kind = "invalid";
  readonly code = "invalid_request";
  constructor() {
    super("The address is not percent-encoded UTF-8 behind its question mark.");
  }
}
