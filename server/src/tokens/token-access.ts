import type { Principal } from "../access/principal.ts";
import type { Administrator } from "../access/roles.ts";
import type { Application } from "../fintechs/application.ts";
import {
  findApplication,
  findApplicationFor,
  type ReachableApplication,
} from "../fintechs/find-application.ts";
import type { Transaction } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import type { TokenId } from "../platform/ids.ts";
import type { TokenRecord } from "./token-record.ts";
import { findToken } from "./token-store.ts";

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
  token: TokenRecord,
): Promise<ReachableApplication> {
  const application = await findApplicationFor(tx, principal, token.applicationId);
  if (!application) throw notFound();
  return application;
}

function notFound(): NotFound {
  return new NotFound("There is no such token.");
}
