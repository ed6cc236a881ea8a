/** What went wrong, as far as a caller can act on it. `http/problem.ts` maps each kind to a status. */
export type ErrorKind =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_many"
  | "unavailable";

/** A mistake in the caller's input, with a JSON pointer (RFC 6901) to it. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/**
 * An error a caller may see. The message is for the caller; `fields` go to the log only. A room throws subclasses of its own
 * (`tokens/errors.ts`), each with a code that has a page in `docs/errors/`.
 */
export abstract class DomainError extends Error {
  abstract readonly kind: ErrorKind;
  abstract readonly code: string;
  /** For the log, never for the caller. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** For `too_many` and `unavailable`: when trying again makes sense. */
  readonly retryAfterSeconds: number | undefined;
  /** For `invalid`: which inputs are wrong. */
  readonly fieldErrors: readonly FieldError[];
  /** Facts the caller may branch on, shown as extension members of the problem (RFC 9457 section 3.2). */
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    options: {
      fields?: Record<string, unknown>;
      retryAfterSeconds?: number;
      fieldErrors?: readonly FieldError[];
      extensions?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.fields = options.fields ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.fieldErrors = options.fieldErrors ?? [];
    this.extensions = options.extensions ?? {};
  }
}

/** The request's content does not fit its schema. */
export class InvalidInput extends DomainError {
  readonly kind = "invalid";
  readonly code = "invalid_input";
}

/** The thing does not exist, or belongs to someone else: both look alike on purpose. */
export class NotFound extends DomainError {
  readonly kind = "not_found";
  readonly code = "not_found";
}

/** For our own mistakes: ends the request, not the process. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
