import type { FastifyReply, FastifyRequest } from "fastify";
import { isBrowserSecret } from "./browser-secret.ts";

export type CookieKind = "session" | "login" | "device";

/**
 * The room's cookies: HttpOnly, SameSite=Strict, for the whole site, Secure, and named with `__Host-`. Over plain loopback HTTP in
 * development, browsers drop `__Host-` cookies, so the names differ there and Secure is left out.
 */
export interface LoginCookies {
  /** The secret, if the request has one of the right form. */
  read(request: FastifyRequest, kind: CookieKind): string | undefined;
  set(reply: FastifyReply, kind: CookieKind, secret: string): void;
  clear(reply: FastifyReply, kind: CookieKind): void;
}

const names = {
  secure: { session: "__Host-fusion", login: "__Host-fusion-login", device: "__Host-fusion-device" },
  plain: { session: "fusion_session", login: "fusion_login", device: "fusion_device" },
} as const satisfies Record<string, Record<CookieKind, string>>;

/** A device is remembered for as long as browsers allow (RFC 6265bis: 400 days); the other cookies end with the browser or before. */
const deviceMaxAgeSeconds = 400 * 24 * 3600;

export function createLoginCookies({ secure }: { secure: boolean }): LoginCookies {
  const named = secure ? names.secure : names.plain;
  const attributes = `; Path=/; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
  return {
    read(request, kind) {
      const found = valuesOf(request.headers.cookie ?? "", named[kind]);
      // Two cookies with the same name: someone planted the second. Trust neither.
      const [only] = found.length === 1 ? found : [];
      return only !== undefined && isBrowserSecret(only) ? only : undefined;
    },
    set(reply, kind, secret) {
      const age = kind === "device" ? `; Max-Age=${deviceMaxAgeSeconds}` : "";
      reply.header("set-cookie", `${named[kind]}=${secret}${attributes}${age}`);
    },
    clear(reply, kind) {
      reply.header("set-cookie", `${named[kind]}=${attributes}; Max-Age=0`);
    },
  };
}

function valuesOf(header: string, name: string): string[] {
  return header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}
