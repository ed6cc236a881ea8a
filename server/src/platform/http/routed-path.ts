/**
 * The path of a request's target as the router reads it: without scheme and host (the absolute form of RFC 9112 section 3.2.2) and with
 * plain characters decoded, so that `/%63onsole/api/` or `http://any/console/api/` does not get past a guard of `/console/api/`. A path
 * that cannot be decoded reaches no route and stays as it is.
 */
export function routedPath(target: string): string {
  const path =
    (target.startsWith("/") ? target : target.replace(/^[^:/?#]+:\/\/[^/?#]*/, "")).split(/[?#]/, 1)[0] ?? "";
  if (!path.includes("%")) return path;
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
