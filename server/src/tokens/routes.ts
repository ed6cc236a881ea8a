import type { AuthenticateUser } from "../access/authenticate.ts";
import { provenUser } from "../access/proven-user.ts";
import type { Nodes } from "../leases/nodes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { Random } from "../platform/random.ts";
import { registerAllowListRoutes } from "./allow-lists/allow-list-routes.ts";
import { registerTokenListRoutes } from "./lists/list-routes.ts";
import { registerOneTokenRoutes } from "./one-token-routes.ts";
import { registerRevocationRoutes } from "./revocation/revocation-routes.ts";

export interface TokenRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly authenticate: AuthenticateUser;
  readonly publicUrl: string;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
}

/** Tokens in the console, under `/console/api`. Only the answer that generates a token contains a secret. */
export function registerTokenRoutes(http: HttpServer, deps: TokenRoutesDeps): void {
  const user = provenUser(deps.authenticate);
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      await user.prove(request);
    });

    registerTokenListRoutes(scope, user, deps);
    registerOneTokenRoutes(scope, user, deps);
    registerRevocationRoutes(scope, user, deps);
    registerAllowListRoutes(scope, user, deps);
  });
}
