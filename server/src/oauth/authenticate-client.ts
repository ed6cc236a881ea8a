import { timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { type Database, systemScope } from "../platform/database/database.ts";
import { InvalidInput } from "../platform/errors.ts";
import { InvalidClient } from "./errors.ts";
import { hashClientSecret } from "./manage-resource-servers.ts";
import type { ResourceServer } from "./resource-server.ts";
import { findCredentials } from "./resource-server-store.ts";

interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * The resource server that calls, by `client_secret_basic` or `client_secret_post` (RFC 6749 section 2.3.1). Throws {@link InvalidClient}
 * alike for credentials that are missing, unknown, wrong or ended, and `invalid_input` for a request that uses both ways.
 */
export async function authenticateClient(
  { db }: { readonly db: Database },
  request: FastifyRequest,
): Promise<ResourceServer> {
  const presented = presentedCredentials(request);
  // Our ids have no other form, and PostgreSQL's text does not accept NUL.
  if (!/^rsv_[0-9A-Za-z]{1,40}$/.test(presented.clientId)) throw new InvalidClient();
  const found = await findCredentials(db.reader(systemScope), presented.clientId);
  const secretHash = hashClientSecret(presented.clientSecret);
  if (!found?.secretHashes.some((known) => timingSafeEqual(known, secretHash))) throw new InvalidClient();
  return found.server;
}

function presentedCredentials({ headers, body }: FastifyRequest): ClientCredentials {
  const { client_id: clientId, client_secret: clientSecret } = (body ?? {}) as Record<
    string,
    string | undefined
  >;
  const { authorization } = headers;
  if (authorization === undefined) {
    if (clientId === undefined || clientSecret === undefined) throw new InvalidClient();
    return { clientId, clientSecret };
  }
  const basic = readBasic(authorization);
  // RFC 6749 section 2.3: "The client MUST NOT use more than one authentication method in each request."
  if (clientSecret !== undefined || (clientId !== undefined && clientId !== basic.clientId))
    throw new InvalidInput("The client authenticates in more than one way.");
  return basic;
}

/** RFC 7617, with both parts form-encoded as RFC 6749 section 2.3.1 requires. */
function readBasic(authorization: string): ClientCredentials {
  const [, encoded = ""] = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization) ?? [];
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) throw new InvalidClient();
  return { clientId: formDecode(text.slice(0, colon)), clientSecret: formDecode(text.slice(colon + 1)) };
}

function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new InvalidClient();
  }
}
