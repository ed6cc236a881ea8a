import type { EndingToken } from "@fusion/contract/applications.ts";
import type {
  CutOver,
  RevocationReceipt,
  RevokedToken,
  TokenDetails,
  TokenSummary,
} from "@fusion/contract/tokens.ts";
import { isSuspended } from "../fintechs/application.ts";
import type { TokenStory } from "./get-token.ts";
import type { EndingTokenRecord } from "./lists/token-summary.ts";
import type { CutOverStory } from "./renewal/get-cut-over.ts";
import type { ReceiptRecord } from "./revocation/receipt-store.ts";
import type { Revocation } from "./revocation/revoke-token.ts";
import { scopesWithin, tokenStatus } from "./token.ts";
import type { TokenRecord } from "./token-record.ts";

/** A token as the console API shows it. Columns of the table reach an answer only through here. */
export function summaryView(token: TokenRecord, now: Date): TokenSummary {
  return {
    tokenId: token.tokenId,
    applicationId: token.applicationId,
    environment: token.tenant.environment,
    name: token.name,
    hint: token.hint,
    // Scopes were checked against the contract when the token was generated.
    scopes: token.scopes as TokenSummary["scopes"],
    ipAllowList: [...token.ipAllowList],
    status: tokenStatus(token, now),
    createdAt: token.createdAt.toISOString(),
    createdBy: token.createdBy,
    expiresAt: token.expiresAt.toISOString(),
    revokedAt: token.revokedAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
    subscribers: token.subscribers,
    replaces: token.replaces,
    replacedBy: token.replacedBy,
    liveReplacement: token.liveReplacement,
    plannedRevocation: token.plannedRevocation && {
      ...token.plannedRevocation,
      at: token.plannedRevocation.at?.toISOString() ?? null,
    },
  };
}

export function detailsView(story: TokenStory): TokenDetails {
  const { token, application, use } = story;
  return {
    ...summaryView(token, story.asOf),
    applicationName: application.name,
    clientId: application.clientId,
    timeZone: application.timeZone,
    reminderTime: application.reminderTime,
    scopesNow: scopesWithin(token.scopes, application.scopes) as TokenDetails["scopesNow"],
    applicationIpAllowList: [...application.ipAllowList],
    applicationSuspended: isSuspended(application),
    canManage: application.canManage,
    canRevoke: application.canRevoke,
    firstUse: use ? { at: use.firstAt.toISOString(), ip: use.firstIp } : null,
    lastUse: use
      ? { at: use.lastAt.toISOString(), ip: use.lastIp, userAgent: use.userAgent, route: use.route }
      : null,
    last24Hours: story.last24Hours,
    callsPerDay: [...story.callsPerDay],
    callers: story.callers.map((caller) => ({ ...caller, lastAt: caller.lastAt.toISOString() })),
    callersTotal: story.callersTotal,
    revocation:
      token.revokedAt && token.revokedBy && token.revokeReason
        ? {
            at: token.revokedAt.toISOString(),
            by: token.revokedBy,
            reason: token.revokeReason,
            receipt: story.receipt ? receiptView(story.receipt) : null,
          }
        : null,
    subscribed: story.subscribed,
    timeline: story.timeline.map((entry) => ({
      at: entry.at.toISOString(),
      action: entry.action,
      actor: entry.actorName,
      details: { ...entry.details },
    })),
    timelineCut: story.timelineCut,
  };
}

export function endingTokenView({ token, applicationName, canManage }: EndingTokenRecord): EndingToken {
  return {
    tokenId: token.tokenId,
    name: token.name,
    applicationId: token.applicationId,
    applicationName,
    environment: token.tenant.environment,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
    canManage,
  };
}

/** The most callers of a cut-over that the answer lists. */
const callersTold = 50;

export function cutOverView({ renewed, replacement, since, verdict, asOf }: CutOverStory): CutOver {
  const { callers, count, moved, silent, together, lastOnRenewed: last } = verdict;
  return {
    renewed: {
      tokenId: renewed.tokenId,
      name: renewed.name,
      hint: renewed.hint,
      status: tokenStatus(renewed, asOf),
    },
    replacement: { tokenId: replacement.tokenId, name: replacement.name },
    since: since.toISOString(),
    callers: callers
      .slice(0, callersTold)
      .map(({ ip, userAgent, state, renewedLastAt, replacementLastAt }) => ({
        ip,
        userAgent,
        state,
        renewedLastAt: renewedLastAt?.toISOString() ?? null,
        replacementLastAt: replacementLastAt?.toISOString() ?? null,
      })),
    callersTotal: callers.filter(({ state }) => state !== "together").length,
    verdict: {
      callers: count,
      moved,
      silent,
      together,
      lastOnRenewed: last?.renewedLastAt
        ? { ip: last.ip, userAgent: last.userAgent, at: last.renewedLastAt.toISOString() }
        : null,
    },
  };
}

export function receiptView(receipt: ReceiptRecord): RevocationReceipt {
  return {
    receiptId: receipt.receiptId,
    tokenId: receipt.tokenId,
    revokedAt: receipt.revokedAt.toISOString(),
    effectiveAt: receipt.effectiveAt?.toISOString() ?? null,
    nodes: receipt.nodes,
  };
}

export function revocationView(revocation: Revocation): RevokedToken {
  return {
    ...revocation,
    revokedAt: revocation.revokedAt.toISOString(),
    effectiveAt: revocation.effectiveAt.toISOString(),
  };
}
