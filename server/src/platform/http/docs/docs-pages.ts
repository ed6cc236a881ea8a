import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readErrorPage, readErrorPages } from "../error-pages.ts";
import { docsPolicy, renderPage, scriptlessPolicy } from "../html.ts";
import type { ApiDescription, OpenApiDocument } from "../openapi.ts";
import type { HttpServer } from "../server.ts";
import { readGuides } from "./guides.ts";
import { renderMarkdown } from "./markdown.ts";
import { renderHeader, renderReference } from "./reference-page.ts";

const assets = [
  { file: "style.css", type: "text/css; charset=utf-8" },
  { file: "reference.js", type: "text/javascript; charset=utf-8" },
] as const;

/**
 * `/docs`: the browsable reference, `/docs/<api>` for each API, with the guides of `<guidesFolder>/<api>`. `/docs/errors/<code>`: the page that
 * a problem's `type` links to, from `errorsFolder`. Pages are made at the first request, which keeps the start short.
 */
export function registerDocsPages(
  http: HttpServer,
  apis: readonly ApiDescription[],
  {
    document,
    errorsFolder,
    guidesFolder,
  }: {
    readonly document: (name: string) => OpenApiDocument | undefined;
    readonly errorsFolder: string;
    readonly guidesFolder: string;
  },
): void {
  const hidden = { schema: { hide: true } };
  http.get("/docs", hidden, async (_request, reply) => reply.redirect(`/docs/${apis[0]?.name ?? ""}`, 302));
  for (const { file, type } of assets) {
    const text = readFileSync(join(import.meta.dirname, file), "utf8");
    http.get(`/docs/${file}`, hidden, async (_request, reply) =>
      reply.type(type).header("cache-control", "no-cache").send(text),
    );
  }
  const pages = new Map<string, string>();
  for (const { name } of apis) {
    http.get(`/docs/${name}`, hidden, async (_request, reply) => {
      let page = pages.get(name);
      if (page === undefined) {
        const found = document(name) as OpenApiDocument;
        const facts = { document: found, errors: readErrorPages(errorsFolder) };
        const guides = readGuides(join(guidesFolder, name), facts);
        page = renderPage(found.info.title, renderReference(found, { name, guides, apis }), script);
        pages.set(name, page);
      }
      return sendPage(reply, page, docsPolicy);
    });
  }
  http.get<{ Params: { code: string } }>("/docs/errors/:code", hidden, async (request, reply) => {
    const { code } = request.params;
    const text = await readErrorPage(errorsFolder, code);
    if (text === undefined) return reply.callNotFound();
    const main = `<main class="narrow">${renderMarkdown(text)}<p><a href="/docs">The reference</a> lists all codes.</p></main>`;
    return sendPage(reply, renderPage(`${code} – Fusion`, renderHeader(apis) + main), scriptlessPolicy);
  });
}

const script = '<script src="/docs/reference.js" defer></script>';

function sendPage(
  reply: {
    type(type: string): typeof reply;
    header(name: string, value: string): typeof reply;
    send(text: string): typeof reply;
  },
  page: string,
  policy: string,
): typeof reply {
  return reply
    .type("text/html; charset=utf-8")
    .header("content-security-policy", policy)
    .header("cache-control", "no-cache")
    .send(page);
}
