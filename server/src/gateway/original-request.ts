import type { DirectCall } from "../platform/http/direct-calls.ts";

// What the proxy was asked, for the token's page: its holder should read `POST /orders/:id` there, not `GET /gateway/check`.

/** Where the check answers; what follows it is the address that Envoy was asked for. */
export const checkPath = "/gateway/check";

/** Of nearly every call; a text put together anew would be compared letter by letter with that of the token's last call. */
const ownRoute = `GET ${checkPath}`;

/**
 * Method and path that the proxy was asked for, without the query, and with whatever may identify somebody replaced by `:id`. Told by
 * the headers that nginx's documentation uses (`X-Original-Method`, `X-Original-URI`), by Traefik's and Caddy's (`X-Forwarded-Method`,
 * `X-Forwarded-Uri`), or, from Envoy, by this request's own method and the rest of its path. The check's own where nothing is told.
 */
export function originalRoute(call: Pick<DirectCall, "method" | "url" | "header">): string {
  const { method, url } = call;
  const target =
    call.header("x-original-uri") ?? call.header("x-forwarded-uri") ?? url.slice(checkPath.length);
  const path = target === "" ? "" : routeOfTarget(target);
  if (path === "") return method === "GET" ? ownRoute : `${method} ${checkPath}`;
  const toldMethod = call.header("x-original-method") ?? call.header("x-forwarded-method") ?? method;
  return `${/^[A-Z]{1,20}$/.test(toldMethod) ? toldMethod : method} ${path}`;
}

/** Words stay (`orders`, `v1`); numbers, ids, mail addresses and whatever is long become `:id`. */
function routeOfTarget(target: string): string {
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  if (!path.startsWith("/")) return "";
  return path
    .slice(0, 500)
    .split("/")
    .map((segment) => (/^(?:[A-Za-z][A-Za-z_-]{0,39}|v\d{1,3})?$/.test(segment) ? segment : ":id"))
    .join("/");
}
