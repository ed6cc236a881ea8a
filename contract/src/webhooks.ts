import { z } from "zod";
import { ApplicationId, Environment, Instant, LocalDate, TokenId } from "./primitives.ts";

export const WebhookEndpointId = z.string().regex(/^whk_[0-9A-Za-z]{1,40}$/);
export const EventId = z.string().regex(/^evt_[0-9A-Za-z]{1,40}$/);

/** The events that an endpoint can be told of. */
export const EventName = z.enum([
  "TRANSFER_CREATED",
  "RESOURCE_CREATED",
  "RESOURCE_UPDATED",
  "FORM_FACTOR_CREATED",
  "FORM_FACTOR_UPDATED",
  "FORM_FACTOR_DELETED",
  "TOKEN_EXPIRING",
]);
export type EventName = z.infer<typeof EventName>;
/** What each event means, for people who choose among them. */
export const eventWords: Record<EventName, string> = {
  TRANSFER_CREATED: "Money moved from account to account",
  RESOURCE_CREATED: "A payment instrument was issued",
  RESOURCE_UPDATED: "A payment instrument points at another account",
  FORM_FACTOR_CREATED: "A card or phone was added",
  FORM_FACTOR_UPDATED: "A card or phone was blocked or unblocked",
  FORM_FACTOR_DELETED: "A card or phone was deleted",
  TOKEN_EXPIRING:
    "A token of this application is about to end or has just ended; daily, as people are reminded",
};

/** `data` of `TOKEN_EXPIRING`. */
export const TokenExpiring = z.object({
  tokenID: TokenId,
  name: z.string(),
  applicationID: ApplicationId,
  /** `EXPIRY`: it ends. `CUT_OVER`: it was renewed, and programs have yet to move to its replacement. */
  kind: z.enum(["EXPIRY", "CUT_OVER"]),
  /** In the fintech's zone, as is `daysLeft`: 0 on the day on which it ends, negative after it. */
  localDay: LocalDate,
  daysLeft: z.number().int(),
  expiresAt: Instant,
  lastUsedAt: Instant.nullable(),
  /** The replacement that programs have yet to move to. */
  replacementID: TokenId.nullable(),
});
export type TokenExpiring = z.infer<typeof TokenExpiring>;
/** What "Send a test event" sends; nobody subscribes to it. */
export const testEventName = "WEBHOOK_TEST";

/** How many endpoints an application may have. */
export const endpointsMax = 10;

export const WebhookEndpoint = z
  .object({
    endpointId: WebhookEndpointId,
    url: z.string(),
    events: z.array(EventName),
    createdAt: Instant,
    createdBy: z.string().describe("The person's name."),
    previousSecretEndsAt: Instant.nullable().describe(
      "Until when the secret before the last rotation signs too.",
    ),
    failingSince: Instant.nullable().describe("The first failure since the last success."),
    disabledAt: Instant.nullable(),
    disabledBecause: z
      .enum(["person", "failing", "gone"])
      .nullable()
      .describe(
        "`failing`: it failed for three days, so nothing is sent to it any more. `gone`: it answered 410, that it wants no more.",
      ),
  })
  .meta({ id: "WebhookEndpoint" });
export type WebhookEndpoint = z.infer<typeof WebhookEndpoint>;

export const WebhookEndpointList = z
  .object({
    applicationId: ApplicationId,
    environment: Environment,
    canManage: z.boolean(),
    endpoints: z.array(WebhookEndpoint),
  })
  .meta({ id: "WebhookEndpointList" });
export type WebhookEndpointList = z.infer<typeof WebhookEndpointList>;

/** The settings that a person gives an endpoint when adding or editing it. */
export const WebhookEndpointSettings = z
  .object({
    url: z.string().trim().min(1, "is empty").max(500, "is longer than 500 characters"),
    events: z
      .array(EventName)
      .min(1, "Choose at least one event.")
      .max(EventName.options.length)
      .refine((names) => new Set(names).size === names.length, "names an event twice"),
  })
  .meta({
    id: "WebhookEndpointSettings",
    examples: [{ url: "https://hooks.example.com/fusion", events: ["TRANSFER_CREATED"] }],
  });
export type WebhookEndpointSettings = z.infer<typeof WebhookEndpointSettings>;

export const WebhookEndpointWithSecret = z
  .object({ endpoint: WebhookEndpoint, secret: z.string().describe("`whsec_…`; in this answer alone.") })
  .meta({ id: "WebhookEndpointWithSecret" });
export type WebhookEndpointWithSecret = z.infer<typeof WebhookEndpointWithSecret>;

export const RotateWebhookSecret = z
  .object({
    overlapHours: z
      .union([z.literal(0), z.literal(1), z.literal(24), z.literal(168)])
      .describe(
        "For so long both secrets sign. Asked for during an overlap, the older one goes on signing and the newer is replaced; with 0, neither signs any more.",
      ),
  })
  .meta({ id: "RotateWebhookSecret", examples: [{ overlapHours: 24 }] });
export type RotateWebhookSecret = z.infer<typeof RotateWebhookSecret>;

/** `waiting`: not tried yet; `retrying`: failed and will be tried again; `failed`: given up. */
export const DeliveryState = z.enum(["waiting", "retrying", "delivered", "failed"]);
export type DeliveryState = z.infer<typeof DeliveryState>;

/** Which deliveries a list shows. `open`: those still on their way. */
export const deliveryFilters = ["all", "open", "delivered", "failed"] as const;
export type DeliveryFilter = (typeof deliveryFilters)[number];

export const DeliveryAttempt = z.object({
  at: Instant,
  durationMs: z.number().int(),
  status: z.number().int().nullable().describe("Of the answer; null without one."),
  error: z.string().nullable(),
  response: z
    .string()
    .nullable()
    .describe("The answer's first characters; null without one, and for the Fusion team."),
});
export type DeliveryAttempt = z.infer<typeof DeliveryAttempt>;

export const WebhookDelivery = z
  .object({
    eventId: EventId,
    name: z.string(),
    state: DeliveryState,
    createdAt: Instant,
    deliveredAt: Instant.nullable(),
    nextAt: Instant.nullable().describe("When it is tried next."),
    lastAttempt: DeliveryAttempt.nullable(),
    attemptCount: z.number().int(),
  })
  .meta({ id: "WebhookDelivery" });
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

export const WebhookDeliveryList = z
  .object({ deliveries: z.array(WebhookDelivery), nextCursor: z.string().nullable() })
  .meta({ id: "WebhookDeliveryList" });
export type WebhookDeliveryList = z.infer<typeof WebhookDeliveryList>;

export const WebhookDeliveryDetails = WebhookDelivery.extend({
  body: z
    .string()
    .nullable()
    .describe("As it is sent, byte for byte; null for the Fusion team, which is not shown it."),
  attempts: z.array(DeliveryAttempt).describe("The latest 20, oldest first."),
}).meta({ id: "WebhookDeliveryDetails" });
export type WebhookDeliveryDetails = z.infer<typeof WebhookDeliveryDetails>;

/** An endpoint with what happened to it. */
export const WebhookEndpointDetails = z
  .object({
    endpoint: WebhookEndpoint,
    application: z.object({ applicationId: ApplicationId, name: z.string(), environment: Environment }),
    canManage: z.boolean(),
    history: z.array(z.object({ at: Instant, action: z.string(), by: z.string() })).describe("Latest first."),
  })
  .meta({ id: "WebhookEndpointDetails" });
export type WebhookEndpointDetails = z.infer<typeof WebhookEndpointDetails>;

export const TestEventSent = z.object({ eventId: EventId }).meta({ id: "TestEventSent" });
