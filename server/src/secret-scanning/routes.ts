import { verify } from "node:crypto";
import { Problem } from "@fusion/contract/problem.ts";
import { SecretReport, SecretVerdicts } from "@fusion/contract/secret-scanning.ts";
import type { FastifyRequest } from "fastify";
import type { HttpServer } from "../platform/http/server.ts";
import type { TokenCheck } from "../tokens/check/check-token.ts";
import { type Finding, reportFoundTokens } from "../tokens/revocation/report-found-tokens.ts";
import type { RevokeDependencies } from "../tokens/revocation/revoke-token.ts";
import { hashSecret, isWellFormedSecret } from "../tokens/token-secret.ts";
import { ReportSignatureInvalid } from "./errors.ts";
import { type ReportEntry, readReport } from "./read-report.ts";
import type { FindScannerKey } from "./scanner-keys.ts";

export interface SecretScanningDependencies extends RevokeDependencies {
  readonly tokenCheck: TokenCheck;
  readonly findScannerKey: FindScannerKey;
}

/** A file that many people copied yields thousands of matches, with addresses of any length. */
const reportBytesMax = 4 * 1024 * 1024;
/** How many tokens are looked up at a time. */
const lookedForMax = 500;

/**
 * `POST /secret-scanning/reports`: what a scanner of published files (GitHub's partner program) believes to be our tokens. The signature
 * over the body's bytes is verified before they are parsed. A token of ours is recorded as found, and revoked unless it has ended. The
 * answer says which were ours, by their hashes, so the secrets are not sent around again.
 */
export function registerSecretScanningRoutes(http: HttpServer, deps: SecretScanningDependencies): void {
  void http.register(async (scope: HttpServer) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "*",
      { parseAs: "buffer", bodyLimit: reportBytesMax },
      (_request, body, done) => done(null, body),
    );
    // Each entry is judged alone (read-report.ts); the schema is for the document.
    scope.setValidatorCompiler(() => () => true);
    scope.post(
      "/secret-scanning/reports",
      {
        preValidation: async (request: FastifyRequest) => {
          const body = await verifiedBody(request, deps.findScannerKey);
          request.body = readReport(body);
        },
        schema: {
          tags: ["Scanners of published files"],
          summary: "Tokens that were found in public",
          description:
            "In GitHub's format for partners of its secret scanning, signed with a key of the configured list (Github-Public-Key-Identifier, Github-Public-Key-Signature: ECDSA on P-256 with SHA-256 over the body, in base64). Each match is judged alone: one that is odd is a false_positive and changes nothing about the others, and one without a token's text is left out of the answer. Tokens of ours are revoked, their fintech's admins are told, and where they were found is on the token's page.",
          security: [],
          body: SecretReport,
          response: {
            200: SecretVerdicts,
            400: Problem,
            401: Problem,
            413: Problem,
            429: Problem,
            503: Problem,
          },
        },
      },
      async (request): Promise<SecretVerdicts> => {
        const ours: (Finding | undefined)[] = [];
        for (let from = 0; from < request.body.length; from += lookedForMax)
          ours.push(...(await findOurs(deps.tokenCheck, request.body.slice(from, from + lookedForMax))));
        await reportFoundTokens(
          deps,
          ours.filter((finding) => finding !== undefined),
          { requestId: request.id },
        );
        return request.body.map(({ token, type }, at) => ({
          token_hash: hashSecret(token).toString("base64"),
          token_type: type,
          label: ours[at] ? "true_positive" : "false_positive",
        }));
      },
    );
  });
}

/**
 * Finds which of these are ours, in their order. All are looked up at once, since a token that was revoked before is waited for until it is
 * refused everywhere.
 */
function findOurs(tokenCheck: TokenCheck, entries: readonly ReportEntry[]): Promise<(Finding | undefined)[]> {
  return Promise.all(
    entries.map(async ({ token, url, source }) => {
      const found = isWellFormedSecret(token) ? await tokenCheck.check(token) : undefined;
      return found && { found, url, source };
    }),
  );
}

/** The bytes that were signed. Throws the same {@link ReportSignatureInvalid} whatever is wrong with the signature. */
async function verifiedBody({ headers, body }: FastifyRequest, findKey: FindScannerKey): Promise<Buffer> {
  const identifier = headers["github-public-key-identifier"];
  const signature = headers["github-public-key-signature"];
  if (typeof identifier !== "string" || typeof signature !== "string" || !Buffer.isBuffer(body))
    throw new ReportSignatureInvalid();
  const key = await findKey(identifier);
  if (!key || !verify("sha256", body, key, Buffer.from(signature, "base64")))
    throw new ReportSignatureInvalid();
  return body;
}
