import type { FastifyReply } from "fastify";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { formType } from "../platform/http/form-body.ts";
import { renderPage, scriptlessPolicy } from "../platform/http/html.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { Keys } from "../platform/keys.ts";
import type { Random } from "../platform/random.ts";
import { endReminderMail } from "../tokens/subscriptions/end-reminder-mail.ts";
import { readUnsubscribeToken, unsubscribePath } from "./unsubscribe-link.ts";

export interface UnsubscribeRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Pick<Keys, "open">;
}

/**
 * The target of a reminder mail's `List-Unsubscribe` header. A mail program's POST ends the mail at once (RFC 8058); a GET, which mail
 * scanners send too, shows a page that asks, and changes nothing. Neither uses cookies, and a link that nobody was sent is answered like
 * any other.
 */
export function registerUnsubscribeRoutes(http: HttpServer, deps: UnsubscribeRoutesDeps): void {
  const hidden = { schema: { hide: true } };
  void http.register(async (scope: HttpServer) => {
    // By RFC 8058 section 3.2 the pair comes as multipart/form-data, or as a plain form.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      [formType, "multipart/form-data"],
      { parseAs: "string", bodyLimit: 8 * 1024 },
      (_request, body, done) => done(null, body),
    );
    scope.get(`${unsubscribePath}:token`, hidden, async (_request, reply) => sendPage(reply, askingPage));
    scope.post<{ Params: { token: string }; Body: unknown }>(
      `${unsubscribePath}:token`,
      hidden,
      async (request, reply) => {
        if (!isOneClick(request.body)) return sendPage(reply.status(400), askingPage);
        const userId = readUnsubscribeToken(deps.keys, request.params.token);
        if (userId) await endReminderMail(deps, { userId, requestId: request.id });
        return sendPage(reply, endedPage);
      },
    );
  });
}

/** The one pair that a body contains: `List-Unsubscribe=One-Click` (RFC 8058 section 3.2), in either encoding. */
function isOneClick(body: unknown): boolean {
  if (typeof body !== "string") return false;
  return (
    /^List-Unsubscribe=One-Click(?:\r?\n)?$/.test(body) ||
    /^content-disposition:\s*form-data;\s*name="?List-Unsubscribe"?[^\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\nOne-Click\r?\n/im.test(
      body,
    )
  );
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .type("text/html; charset=utf-8")
    .header("content-security-policy", scriptlessPolicy.replace("form-action 'none'", "form-action 'self'"))
    .send(page);
}

const askingPage = renderPage(
  "End reminder mail – Fusion",
  `<main class="narrow">
<h1>End reminder mail?</h1>
<p>No more mail will tell you that tokens are about to end: not of those you asked to be reminded of, and not as an admin who stands in for others.</p>
<p>Reminders by SMS go on. Where nobody else would be told of a token, the fintech's admins are.</p>
<form method="post"><button name="List-Unsubscribe" value="One-Click">End reminder mail</button></form>
<p><a href="/">Keep it and open the console</a></p>
</main>`,
);

const endedPage = renderPage(
  "Reminder mail ended – Fusion",
  `<main class="narrow">
<h1>Reminder mail ended</h1>
<p>If the link came from a reminder, its recipient gets no further ones by mail.</p>
<p>To get them again for a token, switch <strong>Expiry reminders</strong> on, on the token's page; where the switch is on for SMS, off and on.</p>
<p><a href="/">Open the console</a></p>
</main>`,
);
