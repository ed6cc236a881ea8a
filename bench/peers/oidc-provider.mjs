// oidc-provider's introspection (RFC 7662) of opaque access tokens, kept by an adapter that is a map. The client that asks authenticates
// with client_secret_basic.
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { announce } from "./keys.mjs";

const stored = new Map();
class MapAdapter {
  constructor(kind) {
    this.kind = kind;
  }
  async upsert(id, payload) {
    stored.set(`${this.kind}/${id}`, payload);
  }
  async find(id) {
    return stored.get(`${this.kind}/${id}`);
  }
  async destroy(id) {
    stored.delete(`${this.kind}/${id}`);
  }
  async consume() {}
  async findByUid() {}
  async findByUserCode() {}
  async revokeByGrantId() {}
}
const client = { client_id: "bench", client_secret: "a secret of the benchmark" };
const provider = new Provider("http://127.0.0.1", {
  adapter: MapAdapter,
  clients: [
    {
      ...client,
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
      scope: "accounts:read",
    },
  ],
  scopes: ["accounts:read"],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    devInteractions: { enabled: false },
  },
});
const registered = await provider.Client.find(client.client_id);
const secrets = [];
for (let at = 0; at < Number(process.env.KEYS); at += 1) {
  const token = new provider.ClientCredentials({ client: registered, scope: "accounts:read" });
  secrets.push(await token.save());
}
const credentials = [client.client_id, client.client_secret].map(encodeURIComponent).join(":");
await announce(createServer(provider.callback()), secrets, {
  authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
});
