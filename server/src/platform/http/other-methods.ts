import type { HttpServer } from "./server.ts";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/**
 * Answers 405 with `Allow`, rather than 404, when a known address is called with another method. Call before the routes are registered, and
 * call the returned function after. Leaves out addresses below `except`, which do so themselves.
 */
export function answerOtherMethods(http: HttpServer, except: string): () => void {
  const known = new Map<string, Set<string>>();
  http.addHook("onRoute", ({ method, url }) => {
    if (url.startsWith(except)) return;
    const seen = known.get(url) ?? new Set();
    for (const one of [method].flat()) seen.add(one);
    known.set(url, seen);
  });
  return () => {
    for (const [url, seen] of [...known]) {
      const others = methods.filter((method) => !seen.has(method));
      if (others.length === 0) continue;
      const allow = [...seen].join(", ");
      http.route({
        method: [...others],
        url,
        schema: { hide: true },
        handler: (_request, reply) => {
          reply.header("allow", allow);
          throw Object.assign(new Error("no such method"), { statusCode: 405 });
        },
      });
    }
  };
}
