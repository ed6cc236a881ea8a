import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FastifyReply, FastifyRequest } from "fastify";
import { readErrorPage, readErrorPages } from "../error-pages.ts";
import { docsPolicy, renderPage, scriptlessPolicy } from "../html.ts";
import type { ApiDescription, OpenApiDocument } from "../openapi.ts";
import type { HttpServer } from "../server.ts";
import { type Guide, readGuides } from "./guides.ts";
import { renderMarkdown } from "./markdown.ts";
import { renderMissing } from "./missing-page.ts";
import { renderHeader, renderReference } from "./reference-page.ts";

const assets = [
  { file: "style.css", type: "text/css; charset=utf-8" },
  { file: "reference.js", type: "text/javascript; charset=utf-8" },
] as const;

/**
 * `/docs`: the browsable reference; `/docs/<api>` for each API, with the guides of `<guidesFolder>/<api>`. `/docs/errors/<code>`: the page
 * that a problem's `type` links to, from `errorsFolder`. At any other address below, a browser gets a page that says so and a program gets
 * the problem. Pages are made at the first request, which keeps the start short.
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
  const read = (name: string): { readonly found: OpenApiDocument; readonly guides: Guide[] } => {
    const found = document(name) as OpenApiDocument;
    const facts = { document: found, errors: readErrorPages(errorsFolder) };
    return { found, guides: readGuides(join(guidesFolder, name), facts) };
  };
  const pages = new Map<string, string>();
  const pageOf = (name: string, render: () => string): string => {
    const page = pages.get(name) ?? render();
    pages.set(name, page);
    return page;
  };
  for (const { name } of apis) {
    http.get(`/docs/${name}`, hidden, async (_request, reply) => {
      const page = pageOf(name, () => {
        const { found, guides } = read(name);
        return renderPage(found.info.title, renderReference(found, { name, guides, apis }), script);
      });
      return sendPage(reply, page, docsPolicy);
    });
  }
  const sendMissing = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    reply.header("vary", "accept");
    if (!/\btext\/html\b/i.test(request.headers.accept ?? "")) {
      reply.callNotFound();
      return reply;
    }
    const page = pageOf("*", () =>
      renderMissing(apis.map(({ name, title }) => ({ name, title, guides: read(name).guides }))),
    );
    return sendPage(reply.status(404), page, scriptlessPolicy);
  };
  http.get("/docs/*", hidden, async (request, reply) => sendMissing(request, reply));
  http.get<{ Params: { code: string } }>("/docs/errors/:code", hidden, async (request, reply) => {
    const { code } = request.params;
    const text = await readErrorPage(errorsFolder, code);
    if (text === undefined) return sendMissing(request, reply);
    const main = `<main class="narrow">${renderMarkdown(text)}<p><a href="/docs">The reference</a> lists all codes.</p></main>`;
    return sendPage(reply, renderPage(`${code} – Fusion`, renderHeader(apis) + main), scriptlessPolicy);
  });
}

const script = '<script src="/docs/reference.js" defer></script>';

function sendPage(reply: FastifyReply, page: string, policy: string): FastifyReply {
  return reply
    .type("text/html; charset=utf-8")
    .header("content-security-policy", policy)
    .header("cache-control", "no-cache")
    .send(page);
}
