import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { secretLength, withoutSecrets } from "../token-secret.ts";

// The facts that are kept of a call, in forms that PostgreSQL accepts whatever the caller sent.

/** Stands for an invalid address, and for callers that are only counted together. */
export const noAddress = "0.0.0.0";

/** `POST /transfers` for `POST /api/v1/ifi/:ifiID/transfers`. */
export function routeOf(request: FastifyRequest): string {
  const path = (request.routeOptions.url ?? "").replace(/^\/api\/v\d+\/ifi\/:[^/]+/, "");
  return `${request.method} ${path === "" ? "/" : path}`;
}

/**
 * An address that PostgreSQL's inet accepts: without an IPv6 zone, and IPv4 in its own form. An invalid address becomes {@link noAddress}.
 */
export function callerIp(ip: string): string {
  const plain = ip.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
  return isIP(plain) ? plain : noAddress;
}

const plainTextMax = 200;

/** At most 200 characters, none of them a control character, half a surrogate pair or part of a token. */
export function plainText(text: string): string {
  // A token that begins before the cut is looked at whole.
  return withoutSecrets(text.slice(0, plainTextMax + secretLength))
    .slice(0, plainTextMax)
    .replace(/\p{Cc}/gu, " ")
    .toWellFormed()
    .trim();
}
