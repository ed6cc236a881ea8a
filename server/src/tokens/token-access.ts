import type { Principal } from "../access/principal.ts";
import type { Administrator } from "../access/roles.ts";
import type { Application } from "../fintechs/application.ts";
import {
  findApplication,
  findApplicationFor,
  type ReachableApplication,
  requireRevoke,
} from "../fintechs/find-application.ts";
import type { Transaction } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import type { TokenRecord } from "./token-record.ts";
import { findToken, findTokensToRevoke, type TokenToRevoke } from "./token-store.ts";

export interface ReachableToken {
  readonly token: TokenRecord;
  readonly canManage: boolean;
  readonly canRevoke: boolean;
}

/**
 * The token, and what the principal may do with it. A person reaches the tokens of the applications they may see; a token reaches itself,
 * to end it; the program reaches any token that was reported to it. Throws {@link NotFound} alike for a token that does not exist and for
 * one that the principal may not see.
 */
export async function getTokenFor(
  tx: Transaction,
  principal: Principal,
  tokenId: TokenId,
): Promise<ReachableToken> {
  const token = await findToken(tx, tokenId);
  if (!token) throw notFound();
  if (principal.kind === "token") {
    if (principal.tokenId !== tokenId) throw notFound();
    return { token, canManage: false, canRevoke: true };
  }
  if (principal.kind === "system") return { token, canManage: false, canRevoke: true };
  const { canManage, canRevoke } = await reach(tx, principal, token);
  return { token, canManage, canRevoke };
}

/**
 * The tokens, in the order given, if the principal may end each of them; with an `applicationId`, a token of another application counts as
 * one that does not exist. Throws what {@link getTokenFor} throws, and `role_insufficient` for one that they may only look at.
 */
export async function getTokensToRevoke(
  tx: Transaction,
  principal: Principal,
  {
    tokenIds,
    applicationId,
  }: { readonly tokenIds: readonly TokenId[]; readonly applicationId?: ApplicationId },
): Promise<TokenToRevoke[]> {
  const found = await findTokensToRevoke(tx, tokenIds);
  const applications = new Map<ApplicationId, ReachableApplication>();
  const tokens: TokenToRevoke[] = [];
  for (const tokenId of tokenIds) {
    const token = found.get(tokenId);
    if (!token || (principal.kind === "token" && principal.tokenId !== tokenId)) throw notFound();
    if (applicationId !== undefined && token.applicationId !== applicationId) throw notFound();
    if (principal.kind !== "token" && principal.kind !== "system") {
      const application = applications.get(token.applicationId) ?? (await reach(tx, principal, token));
      applications.set(token.applicationId, application);
      requireRevoke(application);
    }
    tokens.push(token);
  }
  return tokens;
}

/** {@link getTokenFor} for a person, with the application that the token belongs to. */
export async function getTokenAndApplicationFor(
  tx: Transaction,
  principal: Administrator,
  tokenId: TokenId,
): Promise<{ readonly token: TokenRecord; readonly application: ReachableApplication }> {
  const token = await findToken(tx, tokenId);
  if (!token) throw notFound();
  return { token, application: await reach(tx, principal, token) };
}

/**
 * The token and its application, whoever asks: for callers that proved in another way that they may know of this token. Throws {@link
 * NotFound}.
 */
export async function getTokenAndApplication(
  tx: Transaction,
  tokenId: TokenId,
): Promise<{ readonly token: TokenRecord; readonly application: Application }> {
  const token = await findToken(tx, tokenId);
  const application = token && (await findApplication(tx, token.applicationId));
  if (!application) throw notFound();
  return { token, application };
}

async function reach(
  tx: Transaction,
  principal: Administrator,
  token: Pick<TokenRecord, "applicationId">,
): Promise<ReachableApplication> {
  const application = await findApplicationFor(tx, principal, token.applicationId);
  if (!application) throw notFound();
  return application;
}

function notFound(): NotFound {
  return new NotFound("There is no such token.");
}
