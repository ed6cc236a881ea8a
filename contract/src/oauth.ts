import { z } from "zod";
import { Environment, Instant } from "./primitives.ts";
import { RevokedToken, RevokeReason } from "./tokens.ts";

// The OAuth endpoints: names as the RFCs write them.

/** RFC 6749 section 5.2. */
export const OAuthError = z
  .object({
    error: z.string().describe("What a program branches on."),
    error_description: z.string().describe("For people; ASCII."),
  })
  .meta({ id: "OAuthError" });
export type OAuthError = z.infer<typeof OAuthError>;

const token = z.string().min(1).describe("The token, whole.");
const hint = z.string().optional().describe("Understood and not needed.");
const client = {
  client_id: z.string().optional().describe("client_secret_post: the resource server's id, `rsv_…`."),
  client_secret: z.string().optional().describe("client_secret_post: its secret."),
};

/** RFC 7662 section 2.1. */
export const IntrospectionRequest = z.object({ token, token_type_hint: hint, ...client });

/** RFC 7662 section 2.2: for a token that is not valid, nothing but `active`. */
export const Introspection = z
  .object({
    active: z.boolean().describe("Whether the token is valid, and yours to accept."),
    scope: z.string().optional().describe("Its scopes, separated by spaces. `admin` covers all others."),
    client_id: z.string().optional().describe("The client id of the fintech."),
    token_type: z.literal("Bearer").optional(),
    exp: z.number().int().optional().describe("Until when it is valid: seconds since 1970, in UTC."),
    iat: z.number().int().optional().describe("When it was generated."),
    sub: z.string().optional().describe("The application it acts for, `app_…`."),
    iss: z.string().optional().describe("The issuer, as in the metadata."),
    jti: z.string().optional().describe("The token's public id, `tok_…`."),
    ifi_id: z.string().optional().describe("The bank (IFI)."),
    environment: Environment.optional(),
  })
  .meta({ id: "Introspection" });
export type Introspection = z.infer<typeof Introspection>;

/** RFC 7009 section 2.1. */
export const RevocationRequest = z.object({
  token,
  token_type_hint: hint,
  client_id: z
    .string()
    .min(1)
    .optional()
    .describe("The client id of the fintech that the token belongs to. Required."),
});

/** RFC 8414 section 2. */
export const AuthorizationServerMetadata = z
  .object({
    issuer: z.string(),
    token_endpoint: z.string(),
    token_endpoint_auth_methods_supported: z.array(z.string()),
    grant_types_supported: z.array(z.string()),
    response_types_supported: z.array(z.string()),
    scopes_supported: z.array(z.string()),
    introspection_endpoint: z.string(),
    introspection_endpoint_auth_methods_supported: z.array(z.string()),
    revocation_endpoint: z.string(),
    revocation_endpoint_auth_methods_supported: z.array(z.string()),
    service_documentation: z.string(),
  })
  .meta({ id: "AuthorizationServerMetadata" });
export type AuthorizationServerMetadata = z.infer<typeof AuthorizationServerMetadata>;

/** Why the holder of a token ends it; `no_longer_needed` by default. */
export const RevokeOwnToken = z.object({ reason: RevokeReason.optional() }).nullish();
/** Leaves out who revoked it first, since the token may have fallen into other hands. */
export const OwnTokenRevoked = RevokedToken.omit({ by: true }).meta({ id: "OwnTokenRevoked" });

/** Why a call was refused, for the holder of its token. */
export const ExplainedRefusal = z
  .object({
    requestId: z.string(),
    at: Instant,
    route: z.string().describe("Method and address, with ids left out."),
    status: z.number().int(),
    code: z.string().nullable(),
    requiredScope: z.string().nullable().describe("The scope that it would have taken."),
    tokenScopes: z.array(z.string()).describe("Those that the token has."),
    fields: z.array(z.string()).describe("Names of wrong fields; their values are not kept."),
    ip: z.string().describe("The address that the call came from."),
    why: z.array(z.string()).describe("Sentences for people."),
    next: z.array(z.string()).describe("What to do about it."),
  })
  .meta({ id: "ExplainedRefusal" });
export type ExplainedRefusal = z.infer<typeof ExplainedRefusal>;
