import { consoleApi } from "@fusion/contract/console-api.ts";
import { ApplicationId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import {
  deliveryFilters,
  EventId,
  RotateWebhookSecret,
  TestEventSent,
  WebhookDelivery,
  WebhookDeliveryDetails,
  WebhookDeliveryList,
  WebhookEndpoint,
  WebhookEndpointDetails,
  WebhookEndpointId,
  WebhookEndpointList,
  WebhookEndpointSettings,
  WebhookEndpointWithSecret,
} from "@fusion/contract/webhooks.ts";
import { z } from "zod";
import type { AuthenticateUser } from "../access/authenticate.ts";
import { provenUser } from "../access/proven-user.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type * as ids from "../platform/ids.ts";
import { getDelivery, listDeliveries, redeliver, sendTestEvent } from "./deliveries.ts";
import {
  addEndpoint,
  deleteEndpoint,
  editEndpoint,
  type ManageDeps,
  rotateSecret,
  setEndpointEnabled,
} from "./manage-endpoints.ts";
import { getEndpoint, listEndpoints } from "./read-endpoints.ts";
import { deliveryView, endpointView } from "./views.ts";

export interface WebhookRoutesDeps extends ManageDeps {
  readonly authenticate: AuthenticateUser;
  readonly publicUrl: string;
}

const pageSize = 50;
const tags = ["Webhooks"];
const ofApplication = z.object({ applicationId: ApplicationId });
const ofEndpoint = z.object({ endpointId: WebhookEndpointId });
const ofDelivery = z.object({ endpointId: WebhookEndpointId, eventId: EventId });
const failures = { 400: Problem, 401: Problem, 404: Problem, 503: Problem };
const changes = { ...failures, 403: Problem, 409: Problem };

/** Webhooks in the console, under `/console/api`. Only the answers that make a secret contain it. */
export function registerWebhookRoutes(http: HttpServer, deps: WebhookRoutesDeps): void {
  const user = provenUser(deps.authenticate);
  const now = (): Date => deps.clock.now();
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      await user.prove(request);
    });

    scope.get(
      `${consoleApi}/applications/:applicationId/webhooks`,
      {
        schema: {
          tags,
          summary: "List an application's webhook endpoints",
          params: ofApplication,
          response: { 200: WebhookEndpointList, ...failures },
        },
      },
      async (request) => {
        const applicationId = request.params.applicationId as ids.ApplicationId;
        const { application, endpoints } = await listEndpoints(deps, user.of(request), applicationId);
        return {
          applicationId,
          environment: application.tenant.environment,
          canManage: application.canManage,
          endpoints: endpoints.map((endpoint) => endpointView(endpoint, now())),
        };
      },
    );

    scope.post(
      `${consoleApi}/applications/:applicationId/webhooks`,
      {
        schema: {
          tags,
          summary: "Add a webhook endpoint; its secret is in this answer and in no other",
          params: ofApplication,
          body: WebhookEndpointSettings,
          response: { 201: WebhookEndpointWithSecret, ...changes },
        },
      },
      async (request, reply) => {
        const { endpoint, secret } = await addEndpoint(deps, user.of(request), {
          ...request.body,
          applicationId: request.params.applicationId as ids.ApplicationId,
          requestId: request.id,
        });
        reply.status(201);
        return { endpoint: endpointView(endpoint, now()), secret };
      },
    );

    scope.get(
      `${consoleApi}/webhooks/:endpointId`,
      {
        schema: {
          tags,
          summary: "A webhook endpoint and what happened to it",
          params: ofEndpoint,
          response: { 200: WebhookEndpointDetails, ...failures },
        },
      },
      async (request) => {
        const found = await getEndpoint(deps, user.of(request), request.params.endpointId);
        const { applicationId, name, tenant, canManage } = found.application;
        return {
          endpoint: endpointView(found.endpoint, now()),
          application: { applicationId, name, environment: tenant.environment },
          canManage,
          history: found.history.map(({ at, action, actorName }) => ({
            at: at.toISOString(),
            action,
            by: actorName,
          })),
        };
      },
    );

    scope.put(
      `${consoleApi}/webhooks/:endpointId`,
      {
        schema: {
          tags,
          summary: "Change an endpoint's address and events; its secret stays",
          params: ofEndpoint,
          body: WebhookEndpointSettings,
          response: { 200: WebhookEndpoint, ...changes },
        },
      },
      async (request) =>
        endpointView(
          await editEndpoint(deps, user.of(request), {
            ...request.body,
            endpointId: request.params.endpointId,
            requestId: request.id,
          }),
          now(),
        ),
    );

    scope.post(
      `${consoleApi}/webhooks/:endpointId/rotate`,
      {
        schema: {
          tags,
          summary: "Give an endpoint a new secret, which is in this answer and in no other",
          params: ofEndpoint,
          body: RotateWebhookSecret,
          response: { 200: WebhookEndpointWithSecret, ...changes },
        },
      },
      async (request) => {
        const { endpoint, secret } = await rotateSecret(deps, user.of(request), {
          ...request.body,
          endpointId: request.params.endpointId,
          requestId: request.id,
        });
        return { endpoint: endpointView(endpoint, now()), secret };
      },
    );

    for (const [path, enabled] of [
      ["enable", true],
      ["disable", false],
    ] as const)
      scope.post(
        `${consoleApi}/webhooks/:endpointId/${path}`,
        {
          schema: {
            tags,
            summary: enabled ? "Resume deliveries to an endpoint" : "Stop deliveries to an endpoint for now",
            params: ofEndpoint,
            response: { 200: WebhookEndpoint, ...changes },
          },
        },
        async (request) =>
          endpointView(
            await setEndpointEnabled(deps, user.of(request), {
              endpointId: request.params.endpointId,
              enabled,
              requestId: request.id,
            }),
            now(),
          ),
      );

    scope.delete(
      `${consoleApi}/webhooks/:endpointId`,
      {
        schema: {
          tags,
          summary: "Delete an endpoint: nothing is sent to it any more",
          params: ofEndpoint,
          response: { 204: z.null(), ...changes },
        },
      },
      async (request, reply) => {
        await deleteEndpoint(deps, user.of(request), {
          endpointId: request.params.endpointId,
          requestId: request.id,
        });
        return reply.status(204).send(null);
      },
    );

    scope.post(
      `${consoleApi}/webhooks/:endpointId/test`,
      {
        schema: {
          tags,
          summary: "Send a test event to an endpoint",
          params: ofEndpoint,
          response: { 201: TestEventSent, ...changes },
        },
      },
      async (request, reply) => {
        reply.status(201);
        return sendTestEvent(deps, user.of(request), request.params.endpointId);
      },
    );

    scope.get(
      `${consoleApi}/webhooks/:endpointId/deliveries`,
      {
        schema: {
          tags,
          summary: "What was, or will be, delivered to an endpoint, newest first",
          params: ofEndpoint,
          querystring: z.object({
            status: z.enum(deliveryFilters).default("all"),
            cursor: EventId.optional().describe("`nextCursor` of the page before."),
          }),
          response: { 200: WebhookDeliveryList, ...failures },
        },
      },
      async (request) => {
        const page = await listDeliveries(deps, user.of(request), request.params.endpointId, {
          filter: request.query.status,
          after: request.query.cursor ?? null,
          limit: pageSize,
        });
        return { ...page, deliveries: page.deliveries.map(deliveryView) };
      },
    );

    scope.get(
      `${consoleApi}/webhooks/:endpointId/deliveries/:eventId`,
      {
        schema: {
          tags,
          summary: "One delivery, with its body and its tries",
          params: ofDelivery,
          response: { 200: WebhookDeliveryDetails, ...failures },
        },
      },
      async (request) => {
        const delivery = await getDelivery(deps, user.of(request), request.params);
        return { ...deliveryView(delivery), body: delivery.body, attempts: [...delivery.attempts] };
      },
    );

    scope.post(
      `${consoleApi}/webhooks/:endpointId/deliveries/:eventId/redeliver`,
      {
        schema: {
          tags,
          summary: "Deliver an event once more, or now instead of later",
          params: ofDelivery,
          response: { 200: WebhookDelivery, ...changes },
        },
      },
      async (request) =>
        deliveryView(await redeliver(deps, user.of(request), { ...request.params, requestId: request.id })),
    );
  });
}
