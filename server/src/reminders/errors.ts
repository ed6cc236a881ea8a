import { DomainError } from "../platform/errors.ts";

/** The person asked for a test a moment ago, or for too many today. */
export class ReminderTestLimited extends DomainError {
  readonly kind = "too_many";
  readonly code = "reminder_test_limited";
  constructor(retryAfterSeconds: number) {
    super(
      `A test was asked for too often: one a minute, ten a day. The next one can be sent in ${
        retryAfterSeconds < 120
          ? `${retryAfterSeconds} seconds`
          : `${Math.ceil(retryAfterSeconds / 60)} minutes`
      }.`,
      { retryAfterSeconds },
    );
  }
}
