import type { FastifyRequest } from "fastify";
import type { Browser } from "../parts.ts";
import { hashBrowserSecret } from "./browser-secret.ts";
import type { LoginCookies } from "./cookies.ts";

/** The browser that sent the request, by its cookies. */
export function browserOf(cookies: Pick<LoginCookies, "read">, request: FastifyRequest): Browser {
  const device = cookies.read(request, "device");
  const session = cookies.read(request, "session");
  return {
    ip: request.ip,
    userAgent: (request.headers["user-agent"] ?? "").slice(0, 200),
    requestId: request.id,
    deviceHash: device === undefined ? undefined : hashBrowserSecret(device),
    sessionHash: session === undefined ? undefined : hashBrowserSecret(session),
  };
}
