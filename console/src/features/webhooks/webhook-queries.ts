import {
  type DeliveryFilter,
  type RotateWebhookSecret,
  TestEventSent,
  WebhookDelivery,
  WebhookDeliveryDetails,
  WebhookDeliveryList,
  WebhookEndpoint,
  WebhookEndpointDetails,
  WebhookEndpointList,
  type WebhookEndpointSettings,
  WebhookEndpointWithSecret,
} from "@fusion/contract/webhooks.ts";
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { get, post, put, remove } from "../../lib/api.ts";
import { askAgain } from "../../lib/ask-again.ts";

const at = (endpointId: string): string => `/webhooks/${encodeURIComponent(endpointId)}`;
/** How often the page refetches while something is on its way. */
const watchMs = 2_000;

/**
 * Milliseconds until the page refetches, once the next attempt will have been made; false if none is due. A delivery never attempted before
 * is attempted within a second.
 */
function untilNextTry(deliveries: readonly WebhookDelivery[]): number | false {
  const tries = deliveries.flatMap(({ state, nextAt }) => {
    if (state === "waiting") return [watchMs];
    return state === "retrying" && nextAt !== null ? [Date.parse(nextAt) - Date.now()] : [];
  });
  return tries.length === 0 ? false : Math.max(watchMs, Math.min(...tries));
}

export const webhookListQuery = (applicationId: string) =>
  queryOptions({
    queryKey: ["webhooks", "of", applicationId],
    queryFn: ({ signal }) =>
      get(`/applications/${encodeURIComponent(applicationId)}/webhooks`, WebhookEndpointList, { signal }),
  });

export const webhookQuery = (endpointId: string) =>
  queryOptions({
    queryKey: ["webhooks", endpointId],
    queryFn: ({ signal }) => get(at(endpointId), WebhookEndpointDetails, { signal }),
  });

export const deliveryListQuery = (endpointId: string, status: DeliveryFilter) =>
  infiniteQueryOptions({
    queryKey: ["webhooks", endpointId, "deliveries", status],
    queryFn: ({ signal, pageParam }) =>
      get(
        `${at(endpointId)}/deliveries?status=${status}${pageParam === null ? "" : `&cursor=${pageParam}`}`,
        WebhookDeliveryList,
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: ({ state }) =>
      untilNextTry(state.data?.pages.flatMap(({ deliveries }) => deliveries) ?? []),
  });

export const deliveryQuery = (endpointId: string, eventId: string) =>
  queryOptions({
    queryKey: ["webhooks", endpointId, "delivery", eventId],
    queryFn: ({ signal }) =>
      get(`${at(endpointId)}/deliveries/${encodeURIComponent(eventId)}`, WebhookDeliveryDetails, { signal }),
    refetchInterval: ({ state }) => untilNextTry(state.data === undefined ? [] : [state.data]),
  });

/** Not a mutation: a mutation's answer is kept in memory, and this one has the secret. */
export function addWebhook(
  applicationId: string,
  input: WebhookEndpointSettings,
): Promise<WebhookEndpointWithSecret> {
  return post(
    `/applications/${encodeURIComponent(applicationId)}/webhooks`,
    input,
    WebhookEndpointWithSecret,
  );
}

/** Like {@link addWebhook}. */
export function rotateSecret(
  endpointId: string,
  input: RotateWebhookSecret,
): Promise<WebhookEndpointWithSecret> {
  return post(`${at(endpointId)}/rotate`, input, WebhookEndpointWithSecret);
}

/** An endpoint's state follows from its deliveries, so the endpoint is refetched when they have changed since they were first seen. */
export function useEndpointFollows(
  endpointId: string,
  deliveries: readonly WebhookDelivery[] | undefined,
): void {
  const client = useQueryClient();
  const last = useRef<string>(undefined);
  const now = deliveries
    ?.map(({ eventId, state, attemptCount }) => `${eventId} ${state} ${attemptCount}`)
    .join("\n");
  useEffect(() => {
    if (last.current !== undefined && now !== undefined && last.current !== now)
      void askAgain(client, { queryKey: webhookQuery(endpointId).queryKey, exact: true });
    last.current = now ?? last.current;
  }, [client, endpointId, now]);
}

/** Refetches whatever shows webhooks. */
export function useRefreshWebhooks(): () => Promise<void> {
  const client = useQueryClient();
  return () => askAgain(client, { queryKey: ["webhooks"] });
}

function useChange<Input, Result>(change: (input: Input) => Promise<Result>) {
  const refresh = useRefreshWebhooks();
  return useMutation({ mutationFn: change, onSettled: refresh });
}

export const useEdit = (endpointId: string) =>
  useChange((settings: WebhookEndpointSettings) => put(at(endpointId), settings, WebhookEndpoint));

export const useSetEnabled = (endpointId: string) =>
  useChange((enabled: boolean) =>
    post(`${at(endpointId)}/${enabled ? "enable" : "disable"}`, {}, WebhookEndpoint),
  );

export const useSendTest = (endpointId: string) =>
  useChange((_nothing: null) => post(`${at(endpointId)}/test`, {}, TestEventSent));

export const useRedeliver = (endpointId: string) =>
  useChange((eventId: string) =>
    post(`${at(endpointId)}/deliveries/${encodeURIComponent(eventId)}/redeliver`, {}, WebhookDelivery),
  );

/** Refetches nothing: the endpoint's own page first navigates away, since its queries would find nothing any more. */
export const useDelete = (endpointId: string) =>
  useMutation({ mutationFn: (_nothing: null) => remove(at(endpointId)) });
