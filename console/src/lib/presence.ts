// Whether somebody is at the page. Pages ask the server on their own every few seconds, which must not keep a session alive once its person
// has left. Such requests say that they are the page's own, and the server does not count them as use.

/** How long after a key or pointer press a request still counts as the person's. */
const presentForMs = 60_000;

let lastActivityAt = Date.now();
let lastContactAt = Date.now();

/** A key or pointer was pressed. */
export function noteActivity(): void {
  lastActivityAt = Date.now();
}

/** Headers of the next request: none while somebody is there. */
export function presenceHeaders(): Readonly<Record<string, string>> {
  return Date.now() - lastActivityAt <= presentForMs ? {} : { "x-fusion-background": "true" };
}

/** Notes that the server answered a request with these headers. Without the background header the request counted as use. */
export function noteContact(headers: Readonly<Record<string, string>>): void {
  if (Object.keys(headers).length === 0) lastContactAt = Date.now();
}

/** How long ago the server last heard of somebody here. */
export function millisecondsSinceContact(): number {
  return Date.now() - lastContactAt;
}
