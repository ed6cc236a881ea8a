import type { FastifyRequest } from "fastify";
import type { TokenPrincipal, UserPrincipal } from "./principal.ts";

/** Turns a console request's cookie into the person, or throws an `unauthenticated` error. Made by `login`. */
export type AuthenticateUser = (request: FastifyRequest) => Promise<UserPrincipal>;

/** Turns a Fusion API request's bearer token into its principal, or throws. Made by `tokens`. */
export type AuthenticateToken = (request: FastifyRequest) => Promise<TokenPrincipal>;
