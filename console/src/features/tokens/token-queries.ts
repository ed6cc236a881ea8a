import { AcknowledgedReminders, TestReminder, TokenReminders } from "@fusion/contract/reminders.ts";
import {
  type Expiry,
  GeneratedToken,
  type GenerateToken,
  RevokedToken,
  RevokedTokens,
  type RevokeReason,
  Subscription,
  TokenCutOver,
  TokenDetails,
  type TokenFilter,
  TokenList,
  TokenPreview,
  TokenSummary,
} from "@fusion/contract/tokens.ts";
import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { get, post, put } from "../../lib/api.ts";
import { askAgain } from "../../lib/ask-again.ts";
import { untilAnswered } from "../../lib/retrying.ts";

const path = encodeURIComponent;

/** The tokens of an application, page by page, newest first; with `find`, only those whose name, id or hint contains it. */
export const tokenListQuery = (applicationId: string, status: TokenFilter, find = "") =>
  infiniteQueryOptions({
    queryKey: ["tokens", "of", applicationId, status, find],
    queryFn: ({ pageParam, signal }) => {
      const search = new URLSearchParams({
        status,
        ...(find === "" ? {} : { find }),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      });
      return get(`/applications/${path(applicationId)}/tokens?${search}`, TokenList, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });

/** The tokens on all pages that have been read. */
export function tokensOf(list: { readonly pages: readonly TokenList[] } | undefined): TokenSummary[] {
  return list?.pages.flatMap(({ tokens }) => tokens) ?? [];
}

export const tokenQuery = (tokenId: string) =>
  queryOptions({
    queryKey: ["tokens", tokenId],
    queryFn: ({ signal }) => get(`/tokens/${path(tokenId)}`, TokenDetails, { signal }),
    refetchInterval: 15_000,
  });

/** Who has moved to the replacement, for the renewal that the token is part of. */
export const cutOverQuery = (tokenId: string) =>
  queryOptions({
    queryKey: ["tokens", tokenId, "cut-over"],
    queryFn: ({ signal }) => get(`/tokens/${path(tokenId)}/cut-over`, TokenCutOver, { signal }),
    refetchInterval: 15_000,
  });

export const tokenRemindersQuery = (tokenId: string) =>
  queryOptions({
    queryKey: ["tokens", tokenId, "reminders"],
    queryFn: ({ signal }) => get(`/tokens/${path(tokenId)}/reminders`, TokenReminders, { signal }),
    // Polls until the outcome of a test is known.
    refetchInterval: ({ state: { data } }) =>
      data?.reminders.some(({ kind, state }) => kind === "test" && state === "planned") ? 2_000 : false,
  });

/** When a token generated now would end, and who would hear of it. */
export const tokenPreviewQuery = (applicationId: string, expiry: Expiry | undefined) =>
  queryOptions({
    queryKey: ["token-preview", applicationId, expiry],
    queryFn: ({ signal }) => {
      const search = new URLSearchParams(
        expiry === undefined ? {} : "days" in expiry ? { days: String(expiry.days) } : { date: expiry.date },
      );
      return get(`/applications/${path(applicationId)}/token-preview?${search}`, TokenPreview, { signal });
    },
    enabled: expiry !== undefined,
    placeholderData: keepPreviousData,
    ...untilAnswered,
  });

/**
 * Generates a token. It is a plain call and not a mutation: a mutation's answer stays in the query client's cache, and this one carries the
 * secret.
 */
export function generateToken(
  applicationId: string,
  input: GenerateToken,
  idempotencyKey: string,
): Promise<GeneratedToken> {
  return post(`/applications/${path(applicationId)}/tokens`, input, GeneratedToken, {
    headers: { "idempotency-key": idempotencyKey },
  });
}

export function revokeToken(tokenId: string, reason: RevokeReason): Promise<RevokedToken> {
  return post(`/tokens/${path(tokenId)}/revoke`, { reason }, RevokedToken);
}

/** Revokes every active token of an application. */
export function revokeAllTokens(applicationId: string, reason: RevokeReason): Promise<RevokedTokens> {
  return post(`/applications/${path(applicationId)}/tokens/revoke`, { reason }, RevokedTokens);
}

/** Refetches whatever shows or counts tokens. */
export function useRefreshTokens(): () => Promise<void> {
  const client = useQueryClient();
  return () => askAgain(client);
}

/** Calls off the revocation that was planned at the token's renewal. */
export function useKeep(tokenId: string) {
  const refresh = useRefreshTokens();
  return useMutation({
    mutationFn: () => post(`/tokens/${path(tokenId)}/keep`, undefined, TokenSummary),
    onSettled: refresh,
  });
}

export function useSubscription(tokenId: string) {
  const refresh = useRefreshTokens();
  return useMutation({
    mutationFn: (subscribed: boolean) =>
      put(`/tokens/${path(tokenId)}/subscription`, { subscribed }, Subscription),
    onSettled: refresh,
  });
}

/** Sends the person a test of the token's reminders. */
export function useTestReminder(tokenId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => post(`/tokens/${path(tokenId)}/test-reminder`, {}, TestReminder),
    onSettled: () => askAgain(client, { queryKey: tokenRemindersQuery(tokenId).queryKey }),
  });
}

/** Says that the person knows of the token's end, so that nothing more of it is sent to them today. */
export function useAcknowledgement(tokenId: string) {
  const refresh = useRefreshTokens();
  return useMutation({
    mutationFn: () => post(`/tokens/${path(tokenId)}/acknowledge-reminders`, {}, AcknowledgedReminders),
    onSettled: refresh,
  });
}
