import type { IncomingHttpHeaders } from "node:http";
import { CrossSiteRequest, HostNotAllowed } from "./request-errors.ts";
import { routedPath } from "./routed-path.ts";
import type { HttpServer } from "./server.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses requests below `prefix` that change something and come from another site, by `Sec-Fetch-Site` and `Origin`. Every current
 * browser sends at least one of them with such requests, so a request without both comes from a program, which holds no other
 * person's cookie. SameSite cookies and JSON-only bodies stand behind this.
 */
export function refuseCrossSite(
  http: HttpServer,
  { prefix, publicUrl, development }: { prefix: string; publicUrl: string; development: boolean },
): void {
  const isFromOurs = ({ "sec-fetch-site": site, origin, host }: IncomingHttpHeaders): boolean => {
    if (site !== undefined && site !== "same-origin") return false;
    if (origin === undefined || origin === publicUrl) return true;
    // In development the same server is reached as localhost and as 127.0.0.1; either name is the same site.
    return development && origin === `http://${host}`;
  };
  http.addHook("onRequest", (request, _reply, done) => {
    const concerned = !safeMethods.has(request.method) && routedPath(request.url).startsWith(prefix);
    done(concerned && !isFromOurs(request.headers) ? new CrossSiteRequest() : undefined);
  });
}

/**
 * Development's protection against DNS rebinding: a page elsewhere may point its own name at 127.0.0.1 and so read this server's answers,
 * the inbox with its codes included. Only loopback names and PUBLIC_URL's host are answered.
 */
export function refuseForeignHosts(http: HttpServer, publicUrl: string): void {
  const allowed = new Set(["localhost", "127.0.0.1", "[::1]", new URL(publicUrl).hostname]);
  const isForeign = (host = ""): boolean => !allowed.has(host.replace(/:\d*$/, "").toLowerCase());
  http.direct.sendTheLongWay((request) => isForeign(request.header("host")));
  http.addHook("onRequest", (request, _reply, done) => {
    done(isForeign(request.headers.host) ? new HostNotAllowed() : undefined);
  });
}
