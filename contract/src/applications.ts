import { z } from "zod";
import { IpAllowList } from "./ip-allow-list.ts";
import { ApplicationId, Environment, Instant, ReminderTime } from "./primitives.ts";
import { Scope } from "./scopes.ts";

export const EndingToken = z.object({
  tokenId: z.string(),
  name: z.string(),
  applicationId: ApplicationId,
  applicationName: z.string(),
  environment: Environment,
  createdAt: Instant,
  expiresAt: Instant,
  lastUsedAt: Instant.nullable(),
  canManage: z.boolean().describe("Whether the person asking may renew it."),
});
export type EndingToken = z.infer<typeof EndingToken>;

/** What the "Token Management" card and the landing page's sentence say. */
export const TokenManagementSummary = z
  .object({
    active: z.number().int().describe("Every token that works, those that are expiring included."),
    expiringWithin15Days: z.number().int().describe("Without those that have a replacement that works."),
    unusedFor90Days: z.number().int().describe("Active, older than 90 days, and no call for 90 days."),
    nextToExpire: EndingToken.nullable().describe(
      "The token that ends soonest within 15 days and has no replacement.",
    ),
    lastExpired: EndingToken.nullable().describe(
      "The token that expired last, within 7 days, was used in its last 7 and has no replacement.",
    ),
  })
  .meta({ id: "TokenManagementSummary" });
export type TokenManagementSummary = z.infer<typeof TokenManagementSummary>;

export const ApplicationSummary = z.object({
  applicationId: ApplicationId,
  name: z.string(),
  description: z.string(),
  environment: Environment,
  fintechName: z.string(),
  clientId: z.string().describe("Identifies the fintech to the token service."),
  activeTokens: z.number().int().describe("Every token that works, those that are expiring included."),
  expiringTokens: z.number().int(),
  lastUsedAt: Instant.nullable().describe(
    "Of the tokens that work; of all others where none of these was used.",
  ),
  canManage: z.boolean(),
  suspended: z.boolean().describe("The Fusion team has suspended the application or the whole fintech."),
});
export type ApplicationSummary = z.infer<typeof ApplicationSummary>;
export const ApplicationList = z
  .object({ applications: z.array(ApplicationSummary) })
  .meta({ id: "ApplicationList" });
export type ApplicationList = z.infer<typeof ApplicationList>;

export const ApplicationDetails = ApplicationSummary.extend({
  ifiId: z.string(),
  baseUrl: z
    .string()
    .describe("Base URL of the Fusion API for this application, up to and including the IFI id."),
  scopes: z.array(Scope).describe("Scopes that its tokens may have."),
  ipAllowList: IpAllowList.describe("CIDR ranges from which its tokens may be used; empty: from anywhere."),
  canSetAllowList: z
    .boolean()
    .describe("Whether the person asking may change the application's IP allow-list."),
  createdAt: Instant,
  timeZone: z.string(),
  reminderTime: ReminderTime,
  lifetimeDaysMax: z.number().int(),
  tokensMax: z.number().int().describe("How many tokens may be active at once."),
  contacts: z.array(z.object({ name: z.string(), role: z.string(), address: z.string() })),
}).meta({ id: "ApplicationDetails" });
export type ApplicationDetails = z.infer<typeof ApplicationDetails>;
