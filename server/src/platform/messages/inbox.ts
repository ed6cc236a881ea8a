import type { Clock } from "../clock.ts";
import { type Database, systemScope } from "../database/database.ts";
import { escapeHtml } from "../http/html.ts";
import type { HttpServer } from "../http/server.ts";
import type { Keys } from "../keys.ts";
import type { Message, Messenger } from "./message.ts";

/** A message as the inbox shows it. */
export interface KeptMessage {
  readonly at: string;
  readonly channel: Message["channel"];
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly headers?: Message["headers"];
}

export interface Inbox extends Messenger {
  /** Newest first. */
  list(): Promise<readonly KeptMessage[]>;
}

const keyPurpose = "development-message";

/**
 * Keeps the last messages instead of sending them. For development only: it shows one-time codes to anybody. Messages are in the database,
 * so that each process shows what any of them sent, and encrypted there, so that it holds no readable code.
 */
export function createInbox({
  db,
  clock,
  keys,
  keptMax = 500,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly keys: Pick<Keys, "seal" | "open">;
  readonly keptMax?: number;
}): Inbox {
  return {
    async send({ channel, to, subject, text, headers }) {
      const message: KeptMessage = {
        at: clock.now().toISOString(),
        channel,
        to,
        subject,
        text,
        ...(headers && { headers }),
      };
      await db.transaction(systemScope, async (tx) => {
        await tx.query("INSERT INTO development_message (sealed) VALUES ($1)", [
          keys.seal(keyPurpose, JSON.stringify(message), keyPurpose),
        ]);
        await tx.query(
          `DELETE FROM development_message
           WHERE number <= (SELECT number FROM development_message ORDER BY number DESC OFFSET $1 LIMIT 1)`,
          [keptMax],
        );
      });
      return "kept in the development inbox";
    },
    async list() {
      const rows = await db
        .reader(systemScope)
        .query<{ sealed: Buffer }>("SELECT sealed FROM development_message ORDER BY number DESC LIMIT $1", [
          keptMax,
        ]);
      return rows.map(({ sealed }) => JSON.parse(keys.open(keyPurpose, sealed, keyPurpose)) as KeptMessage);
    },
  };
}

// No script and no inline style: the page works under the strictest policy, which it also sets itself.
const pagePolicy =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `GET /dev/inbox`: a page that reloads itself every three seconds, or JSON with `Accept: application/json`. */
export function registerInboxRoutes(http: HttpServer, inbox: Inbox): void {
  http.get("/dev/inbox", { schema: { hide: true } as object }, async (request, reply) => {
    reply.header("cache-control", "no-store").header("vary", "accept");
    const messages = await inbox.list();
    if (/\bapplication\/json\b/i.test(request.headers.accept ?? ""))
      return reply.type("application/json; charset=utf-8").send(JSON.stringify(messages));
    return reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", pagePolicy)
      .header("refresh", "3")
      .send(renderPage(messages));
  });
  http.get("/dev/inbox.css", { schema: { hide: true } as object }, async (_request, reply) =>
    reply.type("text/css; charset=utf-8").header("cache-control", "max-age=60").send(pageStyle),
  );
}

function renderPage(messages: readonly KeptMessage[]): string {
  const items = messages
    .map(
      (message) => `<li class="${message.channel}">
  <h2>${escapeHtml(message.subject)}</h2>
  <p class="where"><span class="channel">${message.channel === "sms" ? "SMS" : "Email"}</span> to <strong>${escapeHtml(message.to)}</strong>
    at <time datetime="${message.at}">${message.at.replace("T", " ").replace(/\.\d+Z$/, " UTC")}</time></p>
  <pre>${escapeHtml(message.text)}</pre>
</li>`,
    )
    .join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Development inbox</title>
<link rel="stylesheet" href="/dev/inbox.css">
</head>
<body>
<main>
<h1>Development inbox</h1>
<p class="note">Codes, mail and SMS that production would send. Newest first; the last 500 are kept. This page renews itself.</p>
${messages.length === 0 ? '<p class="empty">Nothing yet. Ask for a code on the <a href="/">login page</a>.</p>' : `<ol>\n${items}\n</ol>`}
</main>
</body>
</html>
`;
}

const pageStyle = `:root { color-scheme: light dark; --line: #d5d9e0; --soft: #5b6472; --ground: #f6f7f9; --paper: #fff; --ink: #15181d; --mark: #1f5fd0 }
@media (prefers-color-scheme: dark) { :root { --line: #343a44; --soft: #a5afbd; --ground: #14171c; --paper: #1c2027; --ink: #edf0f4; --mark: #8bb4ff } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere }
a { color: var(--mark) }
.note, .where, .empty { color: var(--soft) } .where { margin: .15rem 0 .6rem; font-size: .875rem; overflow-wrap: anywhere }
.channel { display: inline-block; padding: 0 .45rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .75rem }
ol { list-style: none; padding: 0; margin: 1.5rem 0 0; display: grid; gap: .75rem }
li { background: var(--paper); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.1rem }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: .95rem/1.5 ui-monospace, monospace }
`;
