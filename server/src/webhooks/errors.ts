import { DomainError } from "../platform/errors.ts";

/** The address of an endpoint is not one that we deliver to. */
export class WebhookUrlRefused extends DomainError {
  readonly kind = "invalid";
  readonly code = "webhook_url_refused";
  constructor(detail: string) {
    super(detail, { fieldErrors: [{ pointer: "/url", detail }] });
  }
}

/** The application has an endpoint with this address. */
export class WebhookUrlTaken extends DomainError {
  readonly kind = "conflict";
  readonly code = "webhook_url_taken";
  constructor() {
    const detail = "This application already has an endpoint with this address.";
    super(detail, { fieldErrors: [{ pointer: "/url", detail }] });
  }
}

export class WebhookLimitReached extends DomainError {
  readonly kind = "conflict";
  readonly code = "webhook_limit_reached";
  constructor(endpointsMax: number) {
    super(
      `This application already has ${endpointsMax} endpoints, as many as it may. Delete one that is not needed.`,
    );
  }
}

/** Nothing is sent to a disabled endpoint, whoever asks. */
export class WebhookDisabled extends DomainError {
  readonly kind = "conflict";
  readonly code = "webhook_disabled";
  constructor() {
    super("This endpoint is disabled. Enable it first.");
  }
}
