import type { HttpServer } from "../http/server.ts";
import type { Inbox } from "./inbox.ts";
import { inboxPolicy, inboxStyle, renderInbox } from "./inbox-page.ts";

/** `GET /dev/inbox`: a page that reloads itself every three seconds, or JSON with `Accept: application/json`. */
export function registerInboxRoutes(http: HttpServer, inbox: Inbox): void {
  http.get("/dev/inbox", { schema: { hide: true } as object }, async (request, reply) => {
    reply.header("cache-control", "no-store").header("vary", "accept");
    const messages = await inbox.list();
    if (/\bapplication\/json\b/i.test(request.headers.accept ?? ""))
      return reply.type("application/json; charset=utf-8").send(JSON.stringify(messages));
    return reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", inboxPolicy)
      .header("refresh", "3")
      .send(renderInbox(messages));
  });
  http.get("/dev/inbox.css", { schema: { hide: true } as object }, async (_request, reply) =>
    reply.type("text/css; charset=utf-8").header("cache-control", "max-age=60").send(inboxStyle),
  );
}
