import { consoleApi } from "@fusion/contract/console-api.ts";
import { fusionExamples } from "./fusion-api/examples/fusion-examples.ts";
import type { ApiDescription } from "./platform/http/openapi.ts";
import type { AnswerHeader } from "./platform/http/openapi-headers.ts";
import { pathsOfPrograms } from "./top-level-paths.ts";

const requestId: AnswerHeader = {
  name: "X-Request-Id",
  description: "Names the call, in errors and in the console's activity too.",
  isAlwaysThere: true,
};
const retryAfter: AnswerHeader = {
  name: "Retry-After",
  description: "In so many seconds the same call has a chance.",
  statuses: [429, 503],
  schema: { type: "integer" },
};
const challenge: AnswerHeader = {
  name: "WWW-Authenticate",
  description: "Why the credentials do not open this (RFC 6750 section 3, RFC 9110 section 11.6.1).",
  statuses: [400, 401, 403],
};

/** The APIs that have a document and a reference of their own. */
export function apiDescriptions(https: boolean): readonly ApiDescription[] {
  return [
    {
      name: "fusion",
      title: "Fusion API",
      description:
        "Account holders, bundles, accounts and transfers, for programs of fintechs. Send an application's token in X-Zeta-AuthToken, or as Authorization: Bearer. Amounts are in the smallest unit of their currency (paise).",
      prefixes: ["/api/"],
      securitySchemes: {
        token: { type: "apiKey", in: "header", name: "X-Zeta-AuthToken" },
        bearer: { type: "http", scheme: "bearer" },
      },
      answerHeaders: [
        requestId,
        {
          name: "X-Fusion-Token-Expires",
          description:
            "When the token ends, from 15 days before: renew it before then. Not in answers to whoever may not use the token.",
          schema: { type: "string", format: "date-time" },
        },
        retryAfter,
        challenge,
      ],
      examples: fusionExamples,
    },
    {
      name: "services",
      title: "Services API",
      description:
        "For proxies and other services of the platform that accept the tokens of the Fusion API: whether a token is valid, and who it belongs to (RFC 7662). For whoever holds a token: ending it (RFC 7009), and why a call was refused.",
      prefixes: pathsOfPrograms.filter((path) => path !== "/api"),
      securitySchemes: {
        token: { type: "apiKey", in: "header", name: "X-Zeta-AuthToken" },
        bearer: { type: "http", scheme: "bearer" },
        resourceServer: { type: "http", scheme: "basic" },
      },
      answerHeaders: [requestId, retryAfter, challenge],
    },
    {
      name: "console",
      title: "Console API",
      description:
        "What the Fusion Management Console does, for the people of a fintech and the Fusion team. A login (code, then password) gives a session cookie; send JSON, and from the console's own origin. Errors are problem details (RFC 9457) with a code.",
      prefixes: [`${consoleApi}/`],
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: https ? "__Host-fusion" : "fusion_session" },
      },
      answerHeaders: [requestId, retryAfter],
    },
  ];
}
