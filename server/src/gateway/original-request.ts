import type { DirectCall } from "../platform/http/direct-calls.ts";

// What the proxy was asked for, so that a token's page reads `POST /orders/:id` and not `GET /gateway/check`.

/** Path of the check. What follows it is the address that Envoy was asked for. */
export const checkPath = "/gateway/check";

/** The route of nearly every call. A newly built string would be compared letter by letter with that of the token's last call. */
const ownRoute = `GET ${checkPath}`;

/** As long as a route may be where calls are kept. */
const routeMax = 200;
/** How much of an address is looked at. */
const pathMax = 500;

/**
 * Method and path that the proxy was asked for, without the query, and with `:id` in place of whatever may identify somebody. They come
 * from the headers of nginx's documentation (`X-Original-Method`, `X-Original-URI`) or those of Traefik and Caddy (`X-Forwarded-Method`,
 * `X-Forwarded-Uri`). Envoy tells them by this request's own method and the rest of its path. Where nothing is told, the route is the
 * check's own. A long one ends with `…`.
 */
export function originalRoute(call: Pick<DirectCall, "method" | "url" | "header">): string {
  const { method, url } = call;
  const target =
    call.header("x-original-uri") ?? call.header("x-forwarded-uri") ?? url.slice(checkPath.length);
  const path = target === "" ? "" : routeOfTarget(target);
  if (path === "") return method === "GET" ? ownRoute : `${method} ${checkPath}`;
  const toldMethod = call.header("x-original-method") ?? call.header("x-forwarded-method") ?? method;
  const route = `${/^[A-Z]{1,20}$/.test(toldMethod) ? toldMethod : method} ${path}`;
  return route.length <= routeMax ? route : `${route.slice(0, route.lastIndexOf("/", routeMax - 2))}/…`;
}

/** Words stay (`orders`, `v1`); numbers, ids, mail addresses and whatever is long become `:id`. */
function routeOfTarget(target: string): string {
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  if (!path.startsWith("/")) return "";
  const segments = path.slice(0, pathMax).split("/");
  const isCut = path.length > pathMax;
  // What is left of a segment may look like a word: `asha` of `asha@example.com`.
  if (isCut) segments.pop();
  const shown = segments.map((segment) =>
    /^(?:[A-Za-z][A-Za-z_-]{0,39}|v\d{1,3})?$/.test(segment) ? segment : ":id",
  );
  return [...shown, ...(isCut ? ["…"] : [])].join("/");
}
