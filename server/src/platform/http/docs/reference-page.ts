import { escapeHtml } from "../html.ts";
import type { OpenApiDocument } from "../openapi.ts";
import type { Guide } from "./guides.ts";
import { renderInline } from "./markdown.ts";
import { type Entry, entriesOf, renderMethod, renderOperation, titleOf } from "./operation-section.ts";
import { renderField } from "./schema-fields.ts";

// The browsable reference, rendered on the server from the OpenAPI document and the guides. Nothing is loaded from elsewhere; it works
// without its script, with a keyboard and a screen reader, and prints.

/** The whole page of a reference except its frame. */
export function renderReference(
  document: OpenApiDocument,
  {
    name,
    guides,
    apis,
  }: {
    readonly name: string;
    readonly guides: readonly Guide[];
    readonly apis: readonly { readonly name: string; readonly title: string }[];
  },
): string {
  const groups = Map.groupBy(entriesOf(document), ({ operation }) => operation.tags?.[0] ?? "Other");
  return `<a class="skip" href="#main">Skip to the reference</a>
${renderHeader(apis, name)}
<div class="columns">
<details class="menu" open>
<summary>Contents</summary>
<nav class="contents" aria-label="Contents">
<p class="group">${guides.length > 0 ? "Guides" : "In general"}</p><ul>${[...guides, answerHeaders].map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`).join("")}</ul>
${[...groups].map(([tag, entries]) => renderContents(tag, entries)).join("\n")}
</nav>
</details>
<main id="main">
<h1>${escapeHtml(document.info.title)}</h1>
<p class="lead">${renderInline(document.info.description)}</p>
<dl class="facts"><div><dt>Base address</dt><dd><code>${escapeHtml(document.servers[0]?.url ?? "")}</code></dd></div><div><dt>OpenAPI 3.1</dt><dd><a href="/openapi/${name}.json"><code>/openapi/${name}.json</code></a></dd></div></dl>
${guides.map(renderGuide).join("\n")}
${renderAnswerHeaders(document)}
${[...groups].map(([tag, entries]) => `<h2 id="${slug(tag)}">${escapeHtml(tag)}</h2>\n${entries.map((entry) => renderOperation(entry, document)).join("\n")}`).join("\n")}
</main>
</div>`;
}

/** The header of every page of the documentation. */
export function renderHeader(
  apis: readonly { readonly name: string; readonly title: string }[],
  current?: string,
): string {
  const tabs = apis.map(
    ({ name, title }) =>
      `<a href="/docs/${name}"${name === current ? ' aria-current="page"' : ""}>${escapeHtml(title)}</a>`,
  );
  return `<header><p class="brand"><a href="/">Fusion</a> <span>Documentation</span></p><nav aria-label="APIs">${tabs.join("")}</nav></header>`;
}

function renderContents(tag: string, entries: readonly Entry[]): string {
  const items = entries.map(
    (entry) =>
      `<li><a href="#${entry.id}">${renderMethod(entry.method)} <span>${escapeHtml(titleOf(entry))}</span></a></li>`,
  );
  return `<p class="group"><a href="#${slug(tag)}">${escapeHtml(tag)}</a></p><ul>${items.join("")}</ul>`;
}

const answerHeaders = { id: "answer-headers", title: "Headers of answers" };

/** What the answers of all operations have in common is described here once. */
function renderAnswerHeaders({ paths, components }: OpenApiDocument): string {
  const responses = Object.values(paths)
    .flatMap((operations) => Object.values(operations))
    .flatMap(({ responses = {} }) => Object.entries(responses));
  const fields = Object.entries(components.headers ?? {}).map(([name, { description, required, schema }]) => {
    const listing = responses.filter(([, { headers = {} }]) => name in headers).map(([status]) => status);
    const statuses = [...new Set(listing)].sort().join(", ");
    const note = required ? "always" : listing.length === responses.length ? "optional" : `with ${statuses}`;
    return renderField({ name, schema, notes: [note], description });
  });
  return renderGuide({ ...answerHeaders, html: `<dl class="fields">${fields.join("")}</dl>` });
}

function renderGuide({ id, title, html }: Guide): string {
  return `<section id="${id}" class="guide" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapeHtml(title)} <a class="anchor" href="#${id}" aria-label="Link to ${escapeHtml(title)}">#</a></h2>
${html}
</section>`;
}

function slug(words: string): string {
  return `group-${words.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
}
