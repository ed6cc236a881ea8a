import { z } from "zod";
import { IpAllowList } from "./ip-allow-list.ts";
import {
  ApplicationId,
  Environment,
  Instant,
  LocalDate,
  nameLengthMax,
  ReceiptId,
  ReminderTime,
  TokenId,
  visibleOnly,
} from "./primitives.ts";
import { Scope } from "./scopes.ts";

/** `expiring`: active and within 15 days of its end. */
export const TokenStatus = z.enum(["active", "expiring", "expired", "revoked"]);
export type TokenStatus = z.infer<typeof TokenStatus>;

export const lifetimeDaysMax = 365;
/** How many days before its end a token begins to count as expiring and reminders go out. */
export const expiringDays = 15;

export const RevokeReason = z.enum(["compromised", "replaced", "no_longer_needed", "person_left"]);
export type RevokeReason = z.infer<typeof RevokeReason>;
export const revokeReasonWords: Record<RevokeReason, string> = {
  compromised: "Compromised",
  replaced: "Replaced",
  no_longer_needed: "No longer needed",
  person_left: "Person left",
};

/**
 * How long a renewed token goes on working beside its replacement. After that it is revoked, unless it has ended by itself. Counted from
 * the renewal, or from the first call that is accepted with the replacement.
 */
export const Overlap = z.enum(["none", "1h", "24h", "7d", "until_expiry"]);
export type Overlap = z.infer<typeof Overlap>;
/** The overlaps after which it is revoked. */
export const PlannedOverlap = Overlap.exclude(["until_expiry"]);
export type PlannedOverlap = z.infer<typeof PlannedOverlap>;
export const OverlapFrom = z.enum(["now", "first_use"]);
export type OverlapFrom = z.infer<typeof OverlapFrom>;

/** The revocation of a renewed token at the end of its overlap. */
export const PlannedRevocation = z.object({
  at: Instant.nullable().describe("Null while the overlap has not begun: the replacement was never used."),
  overlap: PlannedOverlap,
  overlapFrom: OverlapFrom,
  replacement: TokenId.describe("The token that was generated then."),
  plannedBy: z.string().describe("The person's name."),
});
export type PlannedRevocation = z.infer<typeof PlannedRevocation>;

/** Identifies one generation among the person's own: repeating it with the same key makes no second token. */
export const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "must be 1 to 128 visible ASCII characters, such as a UUID");

/** What a list row and its lifeline need. */
export const TokenSummary = z.object({
  tokenId: TokenId,
  applicationId: ApplicationId,
  environment: Environment,
  name: z.string(),
  hint: z.string().describe("Prefix and last four characters, such as `fus_live_…9aZ3`."),
  scopes: z.array(Scope).describe("What it was given when it was generated."),
  ipAllowList: IpAllowList.describe(
    "CIDR ranges from which it may be used, beside the application's own list; empty: from anywhere.",
  ),
  status: TokenStatus,
  createdAt: Instant,
  createdBy: z.string().describe("The person's name."),
  expiresAt: Instant,
  revokedAt: Instant.nullable(),
  lastUsedAt: Instant.nullable(),
  subscribers: z.number().int().describe("How many people are reminded of its end."),
  replaces: TokenId.nullable(),
  replacedBy: TokenId.nullable().describe("The latest token that was generated to renew this one."),
  liveReplacement: TokenId.nullable().describe(
    "The active token that renews this one, directly or through others that have ended. While there is one, this one is not renewed again and nobody is reminded of its end.",
  ),
  plannedRevocation: PlannedRevocation.nullable().describe(
    "Planned at its renewal; null too where it ends by itself before. Called off once no replacement works any more.",
  ),
});
export type TokenSummary = z.infer<typeof TokenSummary>;

/** `active` lists every token that works, including those that are expiring; `expiring` lists only those. */
export const TokenFilter = z.enum(["all", "active", "expiring", "expired", "revoked"]);
export type TokenFilter = z.infer<typeof TokenFilter>;
export const TokenList = z
  .object({
    tokens: z.array(TokenSummary),
    nextCursor: z.string().nullable(),
    counts: z.object({
      all: z.number().int(),
      active: z.number().int().describe("Every token that works, those that are expiring included."),
      expiring: z.number().int(),
      expired: z.number().int(),
      revoked: z.number().int(),
    }),
  })
  .meta({ id: "TokenList" });
export type TokenList = z.infer<typeof TokenList>;

export const TokensShown = z
  .enum(["all", "expiring", "unused"])
  .describe(
    "`all`: ended ones included, latest first. `expiring`: those that end within 15 days and have no replacement that works. `unused`: those that work, are older than 90 days and had no call for 90 days. Both by their end, soonest first.",
  );
export type TokensShown = z.infer<typeof TokensShown>;
/** A token in a list across applications. */
export const TokenAmongAll = TokenSummary.extend({
  applicationName: z.string(),
  fintechName: z.string(),
});
export type TokenAmongAll = z.infer<typeof TokenAmongAll>;
export const TokensAcross = z
  .object({ tokens: z.array(TokenAmongAll), nextCursor: z.string().nullable() })
  .meta({ id: "TokensAcross" });
export type TokensAcross = z.infer<typeof TokensAcross>;

/**
 * How many of the processes that answer for tokens had confirmed that they refuse this one. The others were no longer allowed to answer at
 * all.
 */
const NodeCount = z.object({ confirmed: z.number().int(), total: z.number().int() });
/** A revocation's receipt: since when no request with the token is accepted anywhere. */
export const RevocationReceipt = z
  .object({
    receiptId: ReceiptId,
    tokenId: TokenId,
    revokedAt: Instant.describe("When the revocation was written."),
    effectiveAt: Instant.nullable().describe(
      "Since when no request with this token is accepted anywhere; null while that is not certain.",
    ),
    nodes: NodeCount.nullable(),
  })
  .meta({ id: "RevocationReceipt" });
export type RevocationReceipt = z.infer<typeof RevocationReceipt>;

export const TokenDetails = TokenSummary.extend({
  applicationName: z.string(),
  clientId: z.string(),
  timeZone: z.string(),
  reminderTime: ReminderTime,
  scopesNow: z
    .array(Scope)
    .describe("What it may do: the scopes it was given, as far as its application may still have them."),
  applicationIpAllowList: IpAllowList.describe("A call must be inside this list, too."),
  applicationSuspended: z
    .boolean()
    .describe(
      "The Fusion team has suspended its application or the whole fintech: it is refused and cannot be renewed until that ends.",
    ),
  canManage: z.boolean().describe("Whether the person asking may generate and renew."),
  canRevoke: z.boolean().describe("Whether the person asking may revoke; operator admins may, too."),
  firstUse: z.object({ at: Instant, ip: z.string() }).nullable(),
  lastUse: z.object({ at: Instant, ip: z.string(), userAgent: z.string(), route: z.string() }).nullable(),
  last24Hours: z
    .object({ accepted: z.number().int(), refused: z.number().int(), callers: z.number().int() })
    .describe("What the confirmation of a revoke tells."),
  callsPerDay: z
    .array(
      z.object({
        day: LocalDate,
        accepted: z.number().int(),
        refused: z.number().int(),
        refusedBy: z
          .record(z.string(), z.number().int())
          .describe("The refused ones by the code of the refusal, such as `rate_limited`."),
      }),
    )
    .describe("The last 30 local days, oldest first, without gaps."),
  callers: z
    .array(
      z.object({
        ip: z.string(),
        userAgent: z.string(),
        together: z
          .boolean()
          .describe(
            "Not one caller but all that were too many in an hour to be told apart, or whose address is not known; `ip` and `userAgent` say nothing then.",
          ),
        calls: z.number().int(),
        lastAt: Instant,
      }),
    )
    .describe("The last 30 days, latest first, at most 20."),
  callersTotal: z.number().int().describe("How many can be told apart, listed or not."),
  revocation: z
    .object({
      at: Instant,
      by: z.string(),
      reason: RevokeReason,
      receipt: RevocationReceipt.nullable().describe(
        "None for a revocation from before there were receipts.",
      ),
    })
    .nullable(),
  subscribed: z.boolean().describe("Whether the person asking is reminded."),
  timeline: z
    .array(
      z.object({
        at: Instant,
        action: z
          .string()
          .describe(
            "`token.issued`, `token.renewed`, `token.revoked`, `token.revocation-called-off`, `token.found` (in public), `token.reminders-started`, `token.reminders-ended`, `token.reminder-mail-ended` (by the link in a mail), `token.ip-allow-list-set`.",
          ),
        actor: z.string(),
        details: z.record(z.string(), z.unknown()),
      }),
    )
    .describe("Latest first, at most 100."),
  timelineCut: z.boolean().describe("Whether more had happened before, which is not listed."),
}).meta({ id: "TokenDetails" });
export type TokenDetails = z.infer<typeof TokenDetails>;

/** When the token is to end: this many days from now, or on a local day of the fintech's zone. */
export const Expiry = z.union([
  z.object({ days: z.number().int().min(1).max(lifetimeDaysMax) }),
  z.object({ date: LocalDate }),
]);
export type Expiry = z.infer<typeof Expiry>;

export const GenerateToken = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(nameLengthMax)
    .regex(...visibleOnly),
  scopes: z.array(Scope).min(1).max(20).default(["admin"]),
  expiry: Expiry,
  reminders: z.boolean().default(true).describe("Whether the person generating is reminded before it ends."),
  replaces: TokenId.nullable().default(null).describe("The token that this one renews."),
  overlap: Overlap.default("until_expiry").describe(
    "How long the renewed token goes on working; it is revoked then, within a minute. With `none` from `now` on, also when this answer, and so the new secret, is lost.",
  ),
  overlapFrom: OverlapFrom.default("now").describe(
    "From when the overlap counts. The first use is known about a second after it.",
  ),
  ipAllowList: IpAllowList.default([]),
});
export type GenerateToken = z.input<typeof GenerateToken>;

/** The only answer in which a secret appears. */
export const GeneratedToken = z
  .object({
    token: TokenSummary,
    secret: z.string().describe("The token itself. It is not kept: this is the only time it can be seen."),
    baseUrl: z.string(),
  })
  .meta({ id: "GeneratedToken" });
export type GeneratedToken = z.infer<typeof GeneratedToken>;

/** What the dialog shows before "Generate": when the token would end, who would be reminded, and when first. */
export const TokenPreview = z
  .object({
    expiresAt: Instant,
    days: z.number().int(),
    timeZone: z.string(),
    reminders: z.object({
      firstAt: Instant.nullable(),
      recipients: z.array(z.object({ channel: z.enum(["sms", "email"]), address: z.string() })),
    }),
  })
  .meta({ id: "TokenPreview" });
export type TokenPreview = z.infer<typeof TokenPreview>;

export const RevokeToken = z.object({ reason: RevokeReason });
export type RevokeToken = z.infer<typeof RevokeToken>;
export const RevokedToken = z
  .object({
    tokenId: TokenId,
    hint: z.string(),
    revokedAt: Instant.describe("When the revocation was written."),
    reason: RevokeReason,
    by: z.string(),
    receiptId: ReceiptId,
    effectiveAt: Instant.describe("Since when no request with this token is accepted anywhere."),
    nodes: NodeCount,
  })
  .meta({ id: "RevokedToken" });
export type RevokedToken = z.infer<typeof RevokedToken>;

/** Several at once: the tokens named, or, if none is named, every active token of the application. */
export const RevokeTokens = RevokeToken.extend({
  tokenIds: z.array(TokenId).min(1).max(100).optional(),
});
export type RevokeTokens = z.infer<typeof RevokeTokens>;
export const RevokedTokens = z.object({ tokens: z.array(RevokedToken) }).meta({ id: "RevokedTokens" });
export type RevokedTokens = z.infer<typeof RevokedTokens>;

export const Subscription = z.object({ subscribed: z.boolean() });
export type Subscription = z.infer<typeof Subscription>;

/**
 * What a caller of the renewed token has done since the replacement was made. `moved`: moved to the replacement. `on_renewed`: still uses
 * the renewed token. `silent`: called with neither. `new`: called with the replacement only, and so did not have to move. `together`:
 * callers who were too many to be told apart, or whose address is unknown.
 */
export const CutOverState = z.enum(["moved", "on_renewed", "silent", "new", "together"]);
export type CutOverState = z.infer<typeof CutOverState>;

const TokenName = z.object({ tokenId: TokenId, name: z.string() });
/** How far the programs that used a renewed token have moved to its replacement. */
export const CutOver = z.object({
  renewed: TokenName.extend({
    hint: z.string().describe("Tells it from its replacement, which often has the same name."),
    status: TokenStatus,
  }),
  replacement: TokenName.describe(
    "The latest, where it was renewed in turn; calls with all that work count.",
  ),
  since: Instant.describe(
    "Callers of the renewed token count that were seen since: from 7 days before it was renewed, at most 30 days ago.",
  ),
  callers: z
    .array(
      z.object({
        ip: z.string(),
        userAgent: z.string(),
        state: CutOverState,
        renewedLastAt: Instant.nullable().describe("The last call with the renewed token, accepted or not."),
        replacementLastAt: Instant.nullable().describe("The last accepted call with the replacement."),
      }),
    )
    .describe("At most 50: those that still use the renewed token first, then latest first."),
  callersTotal: z
    .number()
    .int()
    .describe("How many can be told apart, listed or not; no more than 1,000 are looked at."),
  verdict: z.object({
    callers: z.number().int().describe("How many used the renewed token and can be told apart."),
    moved: z.number().int(),
    silent: z.number().int(),
    together: z
      .boolean()
      .describe("Whether there are others, of whom it is not known whether they have moved."),
    lastOnRenewed: z
      .object({ ip: z.string(), userAgent: z.string(), at: Instant })
      .nullable()
      .describe(
        "Of those that have not moved, the one that used the renewed token last since it was renewed.",
      ),
  }),
});
export type CutOver = z.infer<typeof CutOver>;

export const TokenCutOver = z
  .object({
    cutOver: CutOver.nullable().describe(
      "Null for a token without a replacement that works, and that replaces none that works.",
    ),
  })
  .meta({ id: "TokenCutOver" });
export type TokenCutOver = z.infer<typeof TokenCutOver>;
