import type { FoundToken, TokenCheck } from "../tokens/check/check-token.ts";
import { isWellFormedSecret } from "../tokens/token-secret.ts";
import { mayAskAbout, type ResourceServer } from "./resource-server.ts";

/**
 * The token, valid or not, for a resource server that may ask about it (RFC 7662 section 2.2). Undefined alike for text that is not a
 * token, for a token that was never generated, and for one that is none of the resource server's business. Changes nothing.
 */
export async function introspectToken(
  { tokenCheck }: { readonly tokenCheck: TokenCheck },
  server: ResourceServer,
  secret: string,
): Promise<FoundToken | undefined> {
  if (!isWellFormedSecret(secret)) return undefined;
  const found = await tokenCheck.check(secret);
  return found && mayAskAbout(server, found.tenant) ? found : undefined;
}
