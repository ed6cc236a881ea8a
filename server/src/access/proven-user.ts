import type { FastifyRequest } from "fastify";
import type { AuthenticateUser } from "./authenticate.ts";
import type { UserPrincipal } from "./principal.ts";

/**
 * For rooms whose every route needs a person: `prove` is an `onRequest` hook, so that who is not logged in learns that and nothing of
 * the request's faults; `of` gives the person to the handler.
 */
export function provenUser(authenticate: AuthenticateUser): {
  prove(request: FastifyRequest): Promise<void>;
  of(request: FastifyRequest): UserPrincipal;
} {
  const proven = new WeakMap<FastifyRequest, UserPrincipal>();
  return {
    async prove(request) {
      proven.set(request, await authenticate(request));
    },
    of(request) {
      const principal = proven.get(request);
      if (!principal)
        throw new Error("The route was registered without the hook that proves who is calling.");
      return principal;
    },
  };
}
