// better-auth's API-key plugin: `verifyApiKey` behind node:http, on the benchmark's PostgreSQL (STORAGE=database) or in its process's
// memory (STORAGE=memory). Its rate limit is off, as are telemetry and logging, which would only slow it.
import { createServer } from "node:http";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import pg from "pg";
import { announce } from "./keys.mjs";

const inMemory = process.env.STORAGE === "memory";
const stored = new Map();
const options = {
  baseURL: "http://127.0.0.1",
  secret: "a secret of the benchmark, of enough characters",
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 }),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
  ...(inMemory
    ? {
        secondaryStorage: {
          get: (key) => stored.get(key) ?? null,
          set: (key, value) => void stored.set(key, value),
          delete: (key) => void stored.delete(key),
        },
      }
    : {}),
  plugins: [apiKey({ rateLimit: { enabled: false }, storage: inMemory ? "secondary-storage" : "database" })],
};
const auth = betterAuth(options);
await (await getMigrations(options)).runMigrations();
const { user } = await auth.api.signUpEmail({
  body: {
    name: "Bench",
    email: `${process.env.STORAGE}@example.com`,
    password: "a long password of the benchmark",
  },
});
const secrets = [];
while (secrets.length < Number(process.env.KEYS)) {
  const made = await Promise.all(
    Array.from({ length: 16 }, () => auth.api.createApiKey({ body: { userId: user.id, name: "bench" } })),
  );
  secrets.push(...made.map(({ key }) => key));
}
const server = createServer(async (request, response) => {
  const { valid, key } = await auth.api.verifyApiKey({ body: { key: request.headers["x-api-key"] } });
  response.writeHead(valid ? 200 : 401, { "content-length": 0, "x-key-id": key?.id ?? "" }).end();
});
await announce(server, secrets);
