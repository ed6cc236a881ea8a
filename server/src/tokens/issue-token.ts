import type { Expiry, Overlap, OverlapFrom } from "@fusion/contract/tokens.ts";
import { readIpAllowList } from "../access/ip-allow-list.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { requireRecentPresence } from "../access/recent-presence.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import { ApplicationSuspended, FintechSuspended } from "../fintechs/errors.ts";
import { getApplicationToManage, type ReachableApplication } from "../fintechs/find-application.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database, Transaction } from "../platform/database/database.ts";
import { assert, InvalidInput } from "../platform/errors.ts";
import { type ApplicationId, newId, type TokenId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { announce } from "./announcement.ts";
import { TokenAlreadyIssued, TokenAlreadyRenewed, TokenLimitReached, TokenNotRenewable } from "./errors.ts";
import { findLiveReplacement } from "./renewal/replacement-store.ts";
import { planRevocation } from "./revocation/planned-revocations.ts";
import { writeSubscription } from "./subscriptions/subscription-store.ts";
import { expiryInstant, isActive } from "./token.ts";
import type { TokenRecord } from "./token-record.ts";
import { generateSecret, hashSecret, hintOf } from "./token-secret.ts";
import {
  countLiveTokens,
  findToken,
  findTokenRequest,
  insertToken,
  insertTokenRequest,
  lockTokensOf,
  type NewToken,
  readDatabaseTime,
} from "./token-store.ts";

export interface IssueTokenInput {
  readonly applicationId: ApplicationId;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Addresses and CIDR ranges from which it may be used; empty, or left out: from anywhere. */
  readonly ipAllowList?: readonly string[];
  readonly expiry: Expiry;
  /** Whether the person generating is reminded before it ends. */
  readonly reminders: boolean;
  /** The token of the same application that this one renews. */
  readonly replaces: TokenId | null;
  /** How long the renewed token keeps working; until it expires, unless given. */
  readonly overlap?: Overlap;
  /** When the overlap starts to count; now, unless given. */
  readonly overlapFrom?: OverlapFrom;
  /** Identifies this request among the person's requests: a repeat makes no second token. */
  readonly idempotencyKey: string;
  readonly requestId?: string;
}

export interface IssuedToken {
  readonly token: TokenRecord;
  /** The only time that it exists outside the caller's hands. */
  readonly secret: string;
}

/**
 * Makes a token under an application for a person who may manage it: a fintech admin or a member with `manage`. The Fusion team cannot,
 * since it would see the secret. One transaction writes the token, the reminder, the planned revocation of the renewed token, the audit
 * entry and the notice to the fintech's admins (live applications). Requests for one application run one after the other, so parallel
 * requests can bypass neither the limit nor an idempotency key. The database's time decides when the token is made, when it ends and which
 * tokens count as live.
 *
 * Checked in this order, each with its error: the application (`not_found`), the role (`role_insufficient`), a repeat
 * (`token_already_issued`), suspension, presence in live applications (`step_up_required`), scopes, allow-list and duration
 * (`invalid_input`), the renewed token (`invalid_input`, `token_not_renewable`, `token_already_renewed`), the limit
 * (`token_limit_reached`).
 */
export async function issueToken(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  principal: UserPrincipal,
  input: IssueTokenInput,
): Promise<IssuedToken> {
  return transactionOf({ db }, principal, async (tx) => {
    await getApplicationToManage(tx, principal, input.applicationId);
    await lockTokensOf(tx, input.applicationId);
    // Checked again: the person's rights or the application may have changed while this request waited for the lock.
    const application = await getApplicationToManage(tx, principal, input.applicationId);
    const earlier = await findTokenRequest(tx, { ...input, userId: principal.userId });
    if (earlier) throw new TokenAlreadyIssued(earlier);
    if (application.fintechSuspendedAt) throw new FintechSuspended();
    if (application.suspendedAt) throw new ApplicationSuspended();
    const live = application.tenant.environment === "live";
    if (live) requireRecentPresence(principal, clock);
    refuseForeignScopes(input.scopes, application);
    const ipAllowList = readIpAllowList(input.ipAllowList ?? []);

    // Read behind the lock, so that whatever another request made meanwhile was made before this instant.
    const now = await readDatabaseTime(tx);
    const expiresAt = expiryInstant({ now, ...application, expiry: input.expiry });
    const renewsLive = await checkRenewal(tx, input, now);
    const { overlap = "until_expiry", overlapFrom = "now" } = input;
    const tokensMax = application.tokensMax + (renewsLive ? 1 : 0);
    if ((await countLiveTokens(tx, input.applicationId, now)) >= tokensMax)
      throw new TokenLimitReached(application.tokensMax);

    const secret = generateSecret(random, application.tenant.environment);
    const token: NewToken = {
      tokenId: newId<TokenId>(random, "tok"),
      applicationId: application.applicationId,
      tenant: application.tenant,
      secretHash: hashSecret(secret),
      hint: hintOf(secret),
      name: input.name,
      scopes: [...new Set(input.scopes)],
      ipAllowList,
      createdAt: now,
      createdBy: principal.userId,
      expiresAt,
      replaces: input.replaces,
    };
    await insertToken(tx, token);
    await insertTokenRequest(tx, token, input.idempotencyKey);
    if (input.reminders)
      await writeSubscription(tx, token, { userId: principal.userId, subscribed: true, at: now });
    await recordAudit(tx, { random }, principal, {
      action: "token.issued",
      object: { kind: "token", id: token.tokenId },
      fintech: token.tenant,
      details: {
        name: token.name,
        hint: token.hint,
        applicationId: token.applicationId,
        environment: token.tenant.environment,
        scopes: token.scopes,
        ipAllowList: token.ipAllowList,
        expiresAt: token.expiresAt.toISOString(),
        reminders: input.reminders,
        replaces: token.replaces,
      },
      requestId: input.requestId,
    });
    if (token.replaces) {
      await recordAudit(tx, { random }, principal, {
        action: "token.renewed",
        object: { kind: "token", id: token.replaces },
        fintech: token.tenant,
        details: { replacedBy: token.tokenId, ...(renewsLive && { overlap, overlapFrom }) },
        requestId: input.requestId,
      });
      if (renewsLive && overlap !== "until_expiry")
        await planRevocation(tx, { token: token.replaces, replacement: token, overlap, overlapFrom });
    }
    if (live) await announce(tx, "issued", token.tokenId);
    const record = await findToken(tx, token.tokenId);
    assert(record, "a token is there once it was inserted");
    return { token: record, secret };
  });
}

function refuseForeignScopes(scopes: readonly string[], application: ReachableApplication): void {
  const fieldErrors = scopes.flatMap((scope, position) =>
    application.scopes.includes(scope)
      ? []
      : [
          {
            pointer: `/scopes/${position}`,
            detail: `This application's tokens may not have the scope ${scope}.`,
          },
        ],
  );
  if (fieldErrors.length > 0)
    throw new InvalidInput("Some of these scopes are not allowed here.", { fieldErrors });
}

/** Whether a live token is renewed. An expired token may be renewed, too; one that is revoked or has a live replacement may not. */
async function checkRenewal(tx: Transaction, input: IssueTokenInput, now: Date): Promise<boolean> {
  if (input.replaces === null) {
    if ((input.overlap ?? "until_expiry") === "until_expiry") return false;
    const detail = "There is an overlap only where a token is renewed.";
    throw new InvalidInput(detail, { fieldErrors: [{ pointer: "/overlap", detail }] });
  }
  const renewed = await findToken(tx, input.replaces);
  if (renewed?.applicationId !== input.applicationId) {
    const detail = "This application has no such token.";
    throw new InvalidInput(detail, { fieldErrors: [{ pointer: "/replaces", detail }] });
  }
  if (renewed.revokedAt) throw new TokenNotRenewable(renewed.tokenId);
  const replacement = await findLiveReplacement(tx, renewed.tokenId, now);
  if (replacement) throw new TokenAlreadyRenewed(replacement);
  return isActive(renewed, now);
}
