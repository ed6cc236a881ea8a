/**
 * The path of a request's target as the router reads it: without scheme and host (the absolute form of RFC 9112 section 3.2.2) and with
 * plain characters decoded, so that `/%63onsole/api/` or `http://any/console/api/` does not get past a guard of `/console/api/`. A path
 * that cannot be decoded reaches no route and stays as it is.
 *
 * Slashes at the start count as one. A base address that ends in a slash makes two: no route is there, but the refusal is to be that of the
 * API that was meant.
 */
export function routedPath(target: string): string {
  const withoutHost = target.startsWith("/") ? target : target.replace(/^[^:/?#]+:\/\/[^/?#]*/, "");
  const path = withoutHost.split(/[?#]/, 1)[0]?.replace(/^\/+/, "/") ?? "";
  if (!path.includes("%")) return path;
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
