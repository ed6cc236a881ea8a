import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { Keys } from "../platform/keys.ts";
import type { Random } from "../platform/random.ts";
import type { CodeSender } from "./codes/code-sender.ts";
import type { LoginLimits } from "./limits.ts";
import type { PasswordHasher } from "./passwords/password-hash.ts";

/** What the steps of logging in need from outside. */
export interface LoginParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly limits: LoginLimits;
  readonly codes: CodeSender;
  readonly hasher: PasswordHasher;
}

/** The browser that sends the request. */
export interface Browser {
  readonly ip: string;
  readonly userAgent: string;
  readonly requestId: string;
  /** The hash of its device cookie, if it has one. */
  readonly deviceHash: Buffer | undefined;
  /** The hash of its session cookie, if it has one: that session ends when a new one begins. */
  readonly sessionHash: Buffer | undefined;
}

/** An answer, and what to do once it has gone out. */
export interface Answered<Answer> {
  readonly answer: Answer;
  readonly afterwards: () => void;
}
