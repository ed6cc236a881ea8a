import type { Role } from "@fusion/contract/login.ts";
import type { ApplicationId, FintechKey, SessionId, Tenant, TokenId, UserId } from "../platform/ids.ts";

/** Whoever is calling, however they proved it. Pure: the ways to prove it live in `login` and `tokens`. */
export type Principal = UserPrincipal | TokenPrincipal | CommandLinePrincipal | SystemPrincipal;

/** A person with a console session. */
export interface UserPrincipal {
  readonly kind: "user";
  readonly userId: UserId;
  readonly name: string;
  readonly role: Role;
  /** Null for the Fusion team. */
  readonly fintech: FintechKey | null;
  readonly sessionId: SessionId;
  /** When the person last proved presence with a one-time code. */
  readonly steppedUpAt: Date;
}

/** A program with a bearer token. */
export interface TokenPrincipal {
  readonly kind: "token";
  readonly tokenId: TokenId;
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
  /** What it may do: the scopes it was given, as far as its application may still have them. */
  readonly scopes: readonly string[];
  /** Identifies the scopes and allow-lists under which this request was admitted; a write makes sure that they are still the same. */
  readonly policy: string;
  readonly expiresAt: Date;
}

/** An operator at the server's own command line. */
export interface CommandLinePrincipal {
  readonly kind: "cli";
  /** The account that ran it, such as `root`. */
  readonly account: string;
}

/** The program itself: a job, or an action prompted by another system. */
export interface SystemPrincipal {
  readonly kind: "system";
  /** For the audit trail, such as "Secret scanning"; "Fusion" unless given. */
  readonly name?: string;
}
