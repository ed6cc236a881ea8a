import { DomainError } from "../errors.ts";

/** More requests from one address, or with one token, than the limit; `Retry-After` says when there is room again. */
export class RateLimited extends DomainError {
  readonly kind = "too_many";
  readonly code = "rate_limited";
  constructor(retryAfterSeconds: number, whose: "from this address" | "with this token") {
    super(`Too many requests ${whose}. Try again shortly.`, { retryAfterSeconds });
  }
}

/** A page of another site made the browser send a request that changes something. */
export class CrossSiteRequest extends DomainError {
  readonly kind = "forbidden";
  readonly code = "cross_site_request";
  constructor() {
    super(
      "This request came from another site, so it was refused and nothing was changed. Use the console's own page.",
    );
  }
}

/**
 * Development answers only under loopback names and PUBLIC_URL, so that no page can read the inbox by pointing its own name at this
 * machine.
 */
export class HostNotAllowed extends DomainError {
  readonly kind = "forbidden";
  readonly code = "host_not_allowed";
  constructor() {
    super(
      "This server does not answer under that host name. Open it under the address that the terminal shows.",
    );
  }
}
