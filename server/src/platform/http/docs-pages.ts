import { renderReference } from "./api-reference.ts";
import { docsStyle } from "./docs-style.ts";
import { readErrorPage } from "./error-pages.ts";
import { escapeHtml, renderPage, scriptlessPolicy } from "./html.ts";
import type { ApiDescription, OpenApiDocument } from "./openapi.ts";
import type { HttpServer } from "./server.ts";

/**
 * `/docs`: the browsable reference, `/docs/<api>` for each API. `/docs/errors/<code>`: the page that a problem's `type` links to, from
 * `errorsFolder`.
 */
export function registerDocsPages(
  http: HttpServer,
  apis: readonly ApiDescription[],
  {
    document,
    errorsFolder,
  }: {
    readonly document: (name: string) => OpenApiDocument | undefined;
    readonly errorsFolder: string;
  },
): void {
  const hidden = { schema: { hide: true } };
  http.get("/docs", hidden, async (_request, reply) => reply.redirect(`/docs/${apis[0]?.name ?? ""}`, 302));
  http.get("/docs/style.css", hidden, async (_request, reply) =>
    reply.type("text/css; charset=utf-8").header("cache-control", "max-age=300").send(docsStyle),
  );
  const pages = new Map<string, string>();
  for (const { name } of apis) {
    http.get(`/docs/${name}`, hidden, async (_request, reply) => {
      let page = pages.get(name);
      if (page === undefined) {
        const found = document(name) as OpenApiDocument;
        page = renderPage(found.info.title, renderReference(found, { name, others: apis }));
        pages.set(name, page);
      }
      return sendPage(reply, page);
    });
  }
  http.get<{ Params: { code: string } }>("/docs/errors/:code", hidden, async (request, reply) => {
    const { code } = request.params;
    const text = await readErrorPage(errorsFolder, code);
    if (text === undefined) return reply.callNotFound();
    return sendPage(
      reply,
      renderPage(
        `${code} – Fusion`,
        `<header><p class="brand"><a href="/">Fusion</a> <a href="/docs">API reference</a></p></header><main class="narrow">${renderText(text)}</main>`,
      ),
    );
  });
}

function sendPage(
  reply: {
    type(type: string): typeof reply;
    header(name: string, value: string): typeof reply;
    send(text: string): typeof reply;
  },
  page: string,
): typeof reply {
  return reply
    .type("text/html; charset=utf-8")
    .header("content-security-policy", scriptlessPolicy)
    .header("cache-control", "no-cache")
    .send(page);
}

/** The little Markdown that our error pages use: a heading, paragraphs, lists, `code` and **emphasis**. */
export function renderText(text: string): string {
  return text
    .trim()
    .split(/\n{2,}/)
    .map((block) => {
      const heading = /^(#{1,3}) (.+)$/.exec(block);
      if (heading) return `<h${heading[1]?.length}>${inline(heading[2] ?? "")}</h${heading[1]?.length}>`;
      const lines = block.split("\n");
      if (lines.every((line) => /^([-*] |\s{2,})/.test(line))) {
        const items = block.split(/\n(?=[-*] )/).map((item) => `<li>${inline(item.slice(2))}</li>`);
        return `<ul>${items.join("")}</ul>`;
      }
      if (lines[0]?.startsWith("# "))
        return `<h1>${inline(lines[0].slice(2))}</h1>\n<p>${inline(lines.slice(1).join(" "))}</p>`;
      return `<p>${inline(lines.join(" "))}</p>`;
    })
    .join("\n");
}

function inline(text: string): string {
  return escapeHtml(text)
    .replaceAll(/`([^`]+)`/g, "<code>$1</code>")
    .replaceAll(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>");
}
