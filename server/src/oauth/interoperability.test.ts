import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeClient, type TestClient } from "../testing/fusion-fixture.ts";
import { arrangeResourceServer } from "../testing/oauth-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import type { ResourceServerCredentials } from "./manage-resource-servers.ts";

// Runs a client library that knows the RFCs and not us against the endpoints that it discovers.

const issuer = new URL("https://fusion.example");
let app: TestApp;
let client: TestClient;
let credentials: ResourceServerCredentials;
beforeAll(async () => {
  app = await createTestApp({ settings: { publicUrl: issuer.origin } });
  client = await arrangeClient(app, { scopes: ["accounts:read"] });
  credentials = await arrangeResourceServer(app, client.fintech);
});
afterAll(() => app?.close());

/** The library's requests, without a network. */
const options = {
  [oauth.customFetch]: async (
    url: string,
    request: { method: string; headers: Record<string, string>; body?: unknown },
  ) => {
    expect(new URL(url).origin).toBe(issuer.origin);
    const response = await app.http.inject({
      method: request.method as "GET" | "POST",
      url: new URL(url).pathname,
      headers: request.headers,
      ...(request.body ? { payload: String(request.body) } : {}),
    });
    return new Response(response.body, {
      status: response.statusCode,
      headers: response.headers as Record<string, string>,
    });
  },
};
async function discover(): Promise<oauth.AuthorizationServer> {
  const response = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...options });
  return oauth.processDiscoveryResponse(issuer, response);
}

describe("oauth4webapi", () => {
  it("discovers the endpoints, with all that RFC 8414 section 2 requires, nothing empty (section 3.2), and the issuer that was asked for (section 3.3)", async () => {
    const server = await discover();
    expect(server).toMatchObject({
      issuer: issuer.origin,
      introspection_endpoint: `${issuer.origin}/oauth2/introspect`,
      revocation_endpoint: `${issuer.origin}/oauth2/revoke`,
      token_endpoint: `${issuer.origin}/oauth2/token`,
      response_types_supported: ["none"],
    });
    for (const [name, value] of Object.entries(server)) expect([name, value]).not.toEqual([name, []]);
    // Without a grant that uses it, the authorization endpoint is optional.
    expect(server.grant_types_supported).not.toContain("authorization_code");
    expect(server.grant_types_supported?.every((grant) => URL.canParse(grant))).toBe(true);
  });

  it.each([
    ["client_secret_basic", oauth.ClientSecretBasic],
    ["client_secret_post", oauth.ClientSecretPost],
  ])("introspects with %s", async (_method, authenticate) => {
    const server = await discover();
    const resourceServer = { client_id: credentials.server.resourceServerId };
    const ask = async (secret: string): Promise<oauth.IntrospectionResponse> =>
      oauth.processIntrospectionResponse(
        server,
        resourceServer,
        await oauth.introspectionRequest(
          server,
          resourceServer,
          authenticate(credentials.secret),
          secret,
          options,
        ),
      );
    expect(await ask(client.token.secret)).toMatchObject({
      active: true,
      client_id: client.fintech.clientId,
      scope: "accounts:read",
      jti: client.token.tokenId,
    });
    expect(await ask("not a token")).toEqual({ active: false });
  });

  it("understands what is wrong with its credentials", async () => {
    const server = await discover();
    const stranger = { client_id: "rsv_stranger" };
    const response = await oauth.introspectionRequest(
      server,
      stranger,
      oauth.ClientSecretBasic("secret"),
      client.token.secret,
      options,
    );
    const failure = await oauth
      .processIntrospectionResponse(server, stranger, response)
      .catch((error) => error);
    expect(failure).toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
    expect(failure.cause).toMatchObject([{ scheme: "basic", parameters: { realm: "Fusion" } }]);
  });

  it("revokes as a public client, and understands a refusal", async () => {
    const server = await discover();
    const { token, fintech } = await arrangeClient(app, { fintech: client.fintech });
    const revoke = async (clientId: string): Promise<unknown> =>
      oauth
        .processRevocationResponse(
          await oauth.revocationRequest(server, { client_id: clientId }, oauth.None(), token.secret, options),
        )
        .catch((error) => error);
    expect(await revoke("another-client")).toMatchObject({ error: "invalid_grant", status: 400 });
    expect(await revoke(fintech.clientId)).toBeUndefined();
    const check = await app.http.inject({
      url: "/gateway/check",
      headers: { authorization: `Bearer ${token.secret}` },
    });
    expect(check.headers["x-fusion-refusal"]).toBe("token_revoked");
  });
});

describe("the token endpoint", () => {
  it("says that tokens come from the console (RFC 6749 section 5.2)", async () => {
    const response = await app.http.inject({
      method: "POST",
      url: "/oauth2/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      payload: "grant_type=client_credentials",
    });
    expect([response.statusCode, response.json().error]).toEqual([400, "unsupported_grant_type"]);
  });
});

describe("the metadata", () => {
  it("is JSON at the well-known address, by GET (RFC 8414 sections 3, 3.1 and 3.2)", async () => {
    const response = await app.http.inject("/.well-known/oauth-authorization-server");
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toMatch(/^application\/json/);
  });
});
