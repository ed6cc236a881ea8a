import type { FastifyReply } from "fastify";

/** For answers that are not pages: nothing may be loaded, run or framed, should a browser ever show one. */
const strictestPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const everywhere = {
  "content-security-policy": strictestPolicy,
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

// Two years, as browsers' preload lists ask. Not over plain HTTP, where browsers ignore it.
const overHttps = { ...everywhere, "strict-transport-security": "max-age=63072000" } as const;

/**
 * Headers of every answer, errors included. Pages and files then replace the policy and the caching with their own; every other answer is
 * cached by nobody.
 */
export function securityHeaders({ https }: { readonly https: boolean }): Readonly<Record<string, string>> {
  return https ? overHttps : everywhere;
}

export function setSecurityHeaders(reply: FastifyReply, options: { readonly https: boolean }): void {
  reply.headers(securityHeaders(options));
}
