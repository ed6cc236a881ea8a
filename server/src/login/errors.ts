import { DomainError, type FieldError } from "../platform/errors.ts";
import type { CodePurpose } from "./codes/one-time-code.ts";

/** The browser has no login in progress, or took too long. */
export class LoginExpired extends DomainError {
  readonly kind = "unauthenticated";
  readonly code = "login_expired";
  constructor() {
    super("This login took too long or was started in another browser. Start again.");
  }
}

/** Another step of the login is due. */
export class LoginStepWrong extends DomainError {
  readonly kind = "conflict";
  readonly code = "login_step_wrong";
  constructor() {
    super("Another step of the login comes now. Start again if you are unsure.");
  }
}

export class IdentifierInvalid extends DomainError {
  readonly kind = "invalid";
  readonly code = "identifier_invalid";
  constructor() {
    const detail = "This is neither a phone number nor an email address.";
    super(detail, { fieldErrors: [{ pointer: "/identifier", detail }] });
  }
}

export class CodeWrong extends DomainError {
  readonly kind = "invalid";
  readonly code = "code_wrong";
  constructor(triesLeft: number, purpose: CodePurpose) {
    const detail =
      triesLeft === 0
        ? `That code is wrong. It was the last try: ${afterLastTry(purpose)}.`
        : `That code is wrong. ${triesLeft === 1 ? "One try is" : `${triesLeft} tries are`} left.`;
    super(detail, { fieldErrors: [{ pointer: "/code", detail }], extensions: { triesLeft } });
  }
}

/** Not a code at all: a typing mistake, which takes no try. */
export class CodeMalformed extends DomainError {
  readonly kind = "invalid";
  readonly code = "code_malformed";
  constructor() {
    const detail = "A code has digits only: six by SMS, eight by email.";
    super(detail, { fieldErrors: [{ pointer: "/code", detail }] });
  }
}

function afterLastTry(purpose: CodePurpose): string {
  return purpose === "step_up" ? "ask for a new one" : "start again for a new code";
}

/** Older than five minutes, or used before. */
export class CodeExpired extends DomainError {
  readonly kind = "invalid";
  readonly code = "code_expired";
  constructor() {
    const detail = "That code has expired or was used before. Ask for a new one.";
    super(detail, { fieldErrors: [{ pointer: "/code", detail }] });
  }
}

/** Five wrong tries. Asking for another code within the same login gives no more. */
export class CodeSpent extends DomainError {
  readonly kind = "invalid";
  readonly code = "code_spent";
  constructor(purpose: CodePurpose) {
    const detail = `There were five wrong tries: ${afterLastTry(purpose)}.`;
    super(detail, { fieldErrors: [{ pointer: "/code", detail }] });
  }
}

/** The next code must wait; the address or the network has used up its sends. */
export class CodeSendLimited extends DomainError {
  readonly kind = "too_many";
  readonly code = "code_send_limited";
  constructor(retryAfterSeconds: number) {
    super(`A code was asked for too often. The next one can be sent in ${inWords(retryAfterSeconds)}.`, {
      retryAfterSeconds,
    });
  }
}

export class LoginLocked extends DomainError {
  readonly kind = "too_many";
  readonly code = "login_locked";
  constructor(retryAfterSeconds: number) {
    super(`There were too many wrong tries. Try again in ${inWords(retryAfterSeconds)}.`, {
      retryAfterSeconds,
    });
  }
}

/** A hundred wrong tries in a row, from this known browser or from all unknown ones. */
export class RecoveryRequired extends DomainError {
  readonly kind = "forbidden";
  readonly code = "recovery_required";
  constructor() {
    super(
      "There were too many wrong tries in a row. An admin of your fintech or the Fusion team must approve a new password; browsers that you logged in with before still work.",
    );
  }
}

export class PasswordWrong extends DomainError {
  readonly kind = "invalid";
  readonly code = "password_wrong";
  constructor(pointer: string) {
    const detail = "That password is wrong.";
    super(detail, { fieldErrors: [{ pointer, detail }] });
  }
}

/** The new password is too short, too long, too easily guessed, or the present one. */
export class PasswordRejected extends DomainError {
  readonly kind = "invalid";
  readonly code = "password_rejected";
  constructor(pointer: string, detail: string) {
    super(detail, { fieldErrors: [{ pointer, detail }] });
  }
}

/** More logins are under way than the machine can hash passwords for. */
export class LoginBusy extends DomainError {
  readonly kind = "unavailable";
  readonly code = "login_busy";
  constructor() {
    super("Too many people are logging in at this moment. Try again shortly.", { retryAfterSeconds: 5 });
  }
}

/** No password reset waits for approval. */
export class ResetNotRequested extends DomainError {
  readonly kind = "conflict";
  readonly code = "reset_not_requested";
  constructor() {
    super("This person has not asked for a new password, or it was approved already.");
  }
}

export class OwnResetNotApprovable extends DomainError {
  readonly kind = "forbidden";
  readonly code = "own_reset_not_approvable";
  constructor() {
    super("Someone else must approve your own new password.");
  }
}

export class OwnAccessNotEndable extends DomainError {
  readonly kind = "forbidden";
  readonly code = "own_access_not_endable";
  constructor() {
    super("Someone else must end your own access.");
  }
}

/** The phone or email already belongs to someone. */
export class IdentityTaken extends DomainError {
  readonly kind = "conflict";
  readonly code = "identity_taken";
  constructor(channel: "sms" | "email") {
    super(`Another person has this ${channel === "sms" ? "phone number" : "email address"} already.`);
  }
}

/** Without this limit, somebody could ask on until they know of every address whether it is taken. */
export class IdentityTakenLimited extends DomainError {
  readonly kind = "too_many";
  readonly code = "identity_taken_limited";
  constructor(retryAfterSeconds: number) {
    super(
      `Ten times within an hour you entered an address that another person has. You can add people again in ${inWords(retryAfterSeconds)}.`,
      { retryAfterSeconds },
    );
  }
}

/** Without this limit, an admin could have the bank write to any number of addresses: each new person is sent messages. */
export class PeopleAddedLimited extends DomainError {
  readonly kind = "too_many";
  readonly code = "people_added_limited";
  constructor(retryAfterSeconds: number) {
    super(
      `Fifty people were added within an hour. You can add people again in ${inWords(retryAfterSeconds)}.`,
      {
        retryAfterSeconds,
      },
    );
  }
}

/** The new person's details do not fit together. */
export class PersonInvalid extends DomainError {
  readonly kind = "invalid";
  readonly code = "person_invalid";
  constructor(pointer: string, detail: string, further: readonly FieldError[] = []) {
    const fieldErrors = [{ pointer, detail }, ...further];
    super(fieldErrors.map((fault) => fault.detail).join(" "), { fieldErrors });
  }
}

/** A code was asked for over a channel for which the person has no address. */
export class ChannelMissing extends DomainError {
  readonly kind = "invalid";
  readonly code = "channel_missing";
  constructor() {
    const detail = "You have no address of this kind.";
    super(detail, { fieldErrors: [{ pointer: "/channel", detail }] });
  }
}

function inWords(seconds: number): string {
  if (seconds < 90) return `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
