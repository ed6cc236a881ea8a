import { DomainError } from "../platform/errors.ts";

/** The token is good, but its fintech has nothing to do with the bank in the path. */
export class IfiNotAllowed extends DomainError {
  readonly kind = "forbidden";
  readonly code = "ifi_not_allowed";
  constructor() {
    super("This token gives no access to the ifiID in the address.");
  }
}
