import { z } from "zod";
import { ApplicationId, Environment, Instant, TokenId } from "./primitives.ts";

/** `accepted`: answered 2xx; `refused`: 4xx, for a reason that the caller can mend; `error`: 5xx, our fault. */
export const CallOutcome = z.enum(["accepted", "refused", "error"]);
export type CallOutcome = z.infer<typeof CallOutcome>;

/** Which calls are listed. */
export const CallFilter = z.enum(["all", "refused", "errors"]);
export type CallFilter = z.infer<typeof CallFilter>;

/** How long calls are kept, and how many of each outcome for one application. */
export const callsKeptDays = 30;
export const callsKeptMax = 50_000;
/** How many calls of an application are listed one by one within about a second. The rest are only counted. */
export const callsListedPerSecond = { accepted: 10, refused: 50, error: 50 } as const satisfies Record<
  CallOutcome,
  number
>;

/** A request id as every answer carries it (`X-Request-Id`, `traceID`). Anything else names no call. */
export const RequestId = z.string().min(1).max(100);

const Call = z.object({
  requestId: z.string(),
  at: Instant.describe("When the answer went out."),
  outcome: CallOutcome,
  tokenId: TokenId,
  tokenName: z.string(),
  route: z.string().describe("Method and route pattern, such as `POST /transfers`."),
  status: z.number().int(),
  code: z.string().nullable().describe("The code of a call that did not succeed, such as `token_revoked`."),
  errorCode: z.string().nullable().describe("The platform's code beside it, such as `LE400008`."),
  durationMs: z.number(),
  ip: z.string(),
  userAgent: z.string(),
});

/** A row of the list: one call, or the number of calls that were only counted because a second was busy. */
export const ListedCall = z.discriminatedUnion("kind", [
  Call.extend({ kind: z.literal("call") }),
  z.object({
    kind: z.literal("unlisted"),
    rowId: z.string(),
    at: Instant,
    outcome: CallOutcome,
    calls: z.number().int(),
  }),
]);
export type ListedCall = z.infer<typeof ListedCall>;

export const CallList = z
  .object({ calls: z.array(ListedCall), nextCursor: z.string().nullable() })
  .meta({ id: "CallList" });
export type CallList = z.infer<typeof CallList>;

/** The values by which the list can be narrowed, from the latest calls. */
export const CallFacets = z
  .object({
    tokens: z.array(z.object({ tokenId: TokenId, tokenName: z.string() })),
    routes: z.array(z.string()),
  })
  .meta({ id: "CallFacets" });
export type CallFacets = z.infer<typeof CallFacets>;

/** One call, and why it was answered as it was, in plain sentences. */
export const ExplainedCall = Call.extend({
  applicationId: ApplicationId,
  applicationName: z.string(),
  environment: Environment,
  fields: z.array(z.string()).describe("The wrong fields of an invalid request, by name."),
  why: z.array(z.string()).describe("What happened and why, one sentence or more."),
  next: z.array(z.string()).describe("What to do next; empty when there is nothing to do."),
  page: z.string().nullable().describe("The page about the code, such as `/docs/errors/token_revoked`."),
}).meta({ id: "ExplainedCall" });
export type ExplainedCall = z.infer<typeof ExplainedCall>;
