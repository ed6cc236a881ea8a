import { escapeHtml } from "../http/html.ts";
import type { KeptMessage } from "./inbox.ts";

/** The Content-Security-Policy of the page. It is the strictest: the page has no script and no inline style. */
export const inboxPolicy =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page of the messages, given newest first. */
export function renderInbox(messages: readonly KeptMessage[]): string {
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

/** The style sheet of the page. */
export const inboxStyle = `:root { color-scheme: light dark; --line: #d5d9e0; --soft: #5b6472; --ground: #f6f7f9; --paper: #fff; --ink: #15181d; --mark: #1f5fd0 }
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
