import type { Environment } from "@fusion/contract/primitives.ts";
import { coversScope, type Scope } from "@fusion/contract/scopes.ts";

interface Connection {
  baseUrl: string;
  secret: string;
  environment: Environment;
  tokenId: string;
}

/**
 * Each token has a file of its own. A browser would save a second file of the same name under another one, and a program that reads the
 * first would have the wrong token.
 */
export function envFileName({ environment, tokenId }: Pick<Connection, "environment" | "tokenId">): string {
  return `fusion-${environment}-${tokenId}.env`;
}

/** What "Download .env" writes. Shells, Docker and the dotenv libraries all understand it, so it has no quotes and no `export`. */
export function envFileText({ baseUrl, secret, environment, tokenId }: Connection): string {
  return [
    `# Fusion API, ${environment}, ${tokenId}. Keep this file out of version control.`,
    `FUSION_BASE_URL=${baseUrl}`,
    `FUSION_TOKEN=${secret}`,
    "",
  ].join("\n");
}

/**
 * A first call to try. It takes the token from the environment: on the command line the token would stay in the shell's history and show in
 * the list of processes.
 */
export function curlCommand(
  { baseUrl, ...file }: Omit<Connection, "secret">,
  scopes: readonly Scope[],
): string {
  // A read that the token's scopes allow and that needs no id.
  const path =
    !coversScope(scopes, "bundles:read") && coversScope(scopes, "accounts:read") ? "accounts" : "bundles";
  return [
    `set -a; . ./${envFileName(file)}; set +a`,
    `curl -i "${baseUrl}/${path}" \\`,
    `  -H "X-Zeta-AuthToken: $FUSION_TOKEN"`,
  ].join("\n");
}
