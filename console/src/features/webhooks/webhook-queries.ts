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
import { get, post, put, remove } from "../../lib/api.ts";

const at = (endpointId: string): string => `/webhooks/${encodeURIComponent(endpointId)}`;
/** While something is on its way the page asks again so often. */
const watchMs = 2_000;

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
    // What was never tried is tried within a second.
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.deliveries.some(({ state }) => state === "waiting"))
        ? watchMs
        : false,
  });

export const deliveryQuery = (endpointId: string, eventId: string) =>
  queryOptions({
    queryKey: ["webhooks", endpointId, "delivery", eventId],
    queryFn: ({ signal }) =>
      get(`${at(endpointId)}/deliveries/${encodeURIComponent(eventId)}`, WebhookDeliveryDetails, { signal }),
    refetchInterval: ({ state }) => (state.data?.state === "waiting" ? watchMs : false),
  });

/** Its answer has the secret, so it is no mutation: those are kept in memory. */
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

/** Whatever shows webhooks asks again. */
export function useRefreshWebhooks(): () => Promise<void> {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["webhooks"] });
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

/** The endpoint's own page leaves before its queries are asked again, which would find nothing. */
export const useDelete = (endpointId: string) =>
  useMutation({ mutationFn: (_nothing: null) => remove(at(endpointId)) });
