import type { FastifyReply } from "fastify";

/** For answers that are no page: nothing may be loaded, run or framed, should a browser ever show one. */
const strictestPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Headers of every answer, errors included. Pages and files then replace the policy and the caching by their own; whatever does not
 * is kept by nobody.
 */
export function setSecurityHeaders(reply: FastifyReply, options: { readonly https: boolean }): void {
  reply.headers({
    "content-security-policy": strictestPolicy,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  });
  // Two years, as browsers' preload lists ask. Not over plain HTTP, where browsers ignore it.
  if (options.https) reply.header("strict-transport-security", "max-age=63072000");
}
