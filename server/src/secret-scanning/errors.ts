import { DomainError } from "../platform/errors.ts";

/** The report is not signed by a key of the configured list, or was changed on its way. */
export class ReportSignatureInvalid extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "report_signature_invalid";
  constructor() {
    super("The report's signature is missing or wrong. Nothing was looked at.");
  }
}

/** The list of keys cannot be read right now, so the report's signature cannot be checked. */
export class ScannerKeysUnavailable extends DomainError {
  readonly kind = "unavailable";
  readonly code = "scanner_keys_unavailable";
  constructor(cause: unknown) {
    super("The keys that reports are signed with cannot be read right now. Send the report again.", {
      retryAfterSeconds: 60,
      cause,
    });
  }
}
