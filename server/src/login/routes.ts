import { provenUser } from "../access/proven-user.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { Keys } from "../platform/keys.ts";
import type { Log } from "../platform/log.ts";
import type { Messenger } from "../platform/messages/message.ts";
import type { Random } from "../platform/random.ts";
import { createCodeSender } from "./codes/code-sender.ts";
import { type LoginLimits, standardLimits } from "./limits.ts";
import type { LoginParts } from "./parts.ts";
import { createPasswordHasher, type PasswordHasher } from "./passwords/password-hash.ts";
import { registerPeopleRoutes } from "./people/people-routes.ts";
import { createSessionProof } from "./sessions/authenticate.ts";
import { createLoginCookies } from "./sessions/cookies.ts";
import { registerSessionRoutes } from "./sessions/session-routes.ts";
import { registerWalkRoutes } from "./walk/walk-routes.ts";

export interface LoginRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly messenger: Messenger;
  readonly log: Log;
  /** False only over plain loopback HTTP in development. */
  readonly secureCookies: boolean;
  /** Where the console is, for people who are new to it. */
  readonly publicUrl: string;
  readonly limits?: LoginLimits;
  readonly passwordHasher?: PasswordHasher | undefined;
}

/**
 * Logging in, sessions, step-up and people, under `/console/api`. Mutating calls rely on the same-origin check of the HTTP layer and on
 * SameSite=Strict. `settled` resolves when no code is being sent any more, for stopping and for tests.
 */
export function registerLoginRoutes(http: HttpServer, deps: LoginRoutesDeps): { settled(): Promise<void> } {
  const { db, clock, random, keys, limits = standardLimits } = deps;
  const codes = createCodeSender(deps);
  const hasher = deps.passwordHasher ?? createPasswordHasher(random);
  const parts: LoginParts = { db, clock, random, keys, limits, codes, hasher };
  const cookies = createLoginCookies({ secure: deps.secureCookies });
  const prove = createSessionProof({ ...deps, limits });
  const session = provenUser(prove);

  // Where password managers send a person to change a password ("A Well-Known URL for Changing Passwords", W3C).
  http.get("/.well-known/change-password", { schema: { hide: true } }, async (_request, reply) =>
    reply.redirect("/account"),
  );
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (_request, reply) => {
      // Every answer here is personal or belongs to a login.
      reply.header("cache-control", "no-store");
    });

    registerWalkRoutes(scope, parts, cookies);
    registerSessionRoutes(scope, parts, { cookies, prove, session });
    registerPeopleRoutes(scope, parts, { session, publicUrl: deps.publicUrl });
  });
  return { settled: () => codes.settled() };
}
