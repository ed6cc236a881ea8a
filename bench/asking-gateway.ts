// The gateway check as the program has it, except that the database is asked about each token: what it would cost without leases.
// Everything else about a call is switched on. Prints its port as JSON on standard output.
import { createCallRecorder } from "../server/src/activity/call-recorder.ts";
import { registerGatewayRoutes } from "../server/src/gateway/routes.ts";
import { systemClock } from "../server/src/platform/clock.ts";
import { openDatabase } from "../server/src/platform/database/database.ts";
import { limitCalls } from "../server/src/platform/http/rate-limit.ts";
import { createHttpServer } from "../server/src/platform/http/server.ts";
import { systemRandom } from "../server/src/platform/random.ts";
import { readTokensFrom } from "../server/src/tokens/check/read-tokens.ts";
import { hashSecret } from "../server/src/tokens/token-secret.ts";
import { createUsageRecorder } from "../server/src/tokens/usage/usage-recorder.ts";
import { announcePort, unreadLog } from "./bench-server.ts";

const log = unreadLog();
const db = openDatabase({
  connectionString: process.env.DATABASE_URL as string,
  role: "fusion_runtime",
  connectionsMax: 16,
  log,
});
const parts = { db, clock: systemClock, lease: { databaseMs: Date.now }, random: systemRandom, log };
const http = createHttpServer({ log, random: systemRandom, trustedProxies: ["127.0.0.1"], https: true });
const usage = createUsageRecorder(parts);
const calls = createCallRecorder(parts);
const readToken = readTokensFrom(db);
registerGatewayRoutes(http, {
  tokenCheck: {
    checkNow: () => undefined,
    check: async (secret) => (await readToken(hashSecret(secret))).found,
  },
  usage,
  calls,
  log,
  takeCall: limitCalls(systemClock, { perSecond: 999_999, burst: 999_999 }),
  https: true,
});
await http.listen({ port: 0, host: "127.0.0.1" });
announcePort(http.server);
