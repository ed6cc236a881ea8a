import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ErrorPage } from "../error-pages.ts";
import { escapeHtml } from "../html.ts";
import type { OpenApiDocument } from "../openapi.ts";
import { renderStatus } from "./code-block.ts";
import { renderInline, renderMarkdown } from "./markdown.ts";
import { entriesOf, renderExample } from "./operation-section.ts";

/** A chapter before the operations: a Markdown file; the file names give the order (`10-first-call.md`). */
export interface Guide {
  readonly id: string;
  readonly title: string;
  readonly html: string;
}

export interface GuideFacts {
  readonly document: OpenApiDocument;
  readonly errors: readonly ErrorPage[];
}

/**
 * Besides Markdown a guide may have special lines: `@example GET /bundles: What you may issue` inserts that example, and `@errors Fusion
 * API 401 403` the table of those refusals. `{{origin}}` is the server's address.
 */
export function readGuides(folder: string, facts: GuideFacts): Guide[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .sort()
    .map((file) => {
      const text = readFileSync(join(folder, file), "utf8").replaceAll(
        "{{origin}}",
        facts.document.servers[0]?.url ?? "",
      );
      const [title = "", ...rest] = text.split("\n");
      const html = rest
        .join("\n")
        .split(/^(@.+)$/m)
        .map((part) =>
          part.startsWith("@") ? directive(part, facts) : renderMarkdown(part, { headingsFrom: 2 }),
        )
        .join("\n");
      return { id: file.replace(/^\d+-|\.md$/g, ""), title: title.slice(2), html };
    });
}

function directive(line: string, { document, errors }: GuideFacts): string {
  const [, method, address, label = ""] = /^@example ([A-Z]+) (\S+): (.+)$/.exec(line) ?? [];
  if (method !== undefined) {
    const entry = entriesOf(document).find(
      (one) =>
        one.method.toUpperCase() === method && one.path.replace(/^\/api\/v1\/ifi\/\{ifiID\}/, "") === address,
    );
    const html = entry ? renderExample(entry.operation, label) : "";
    if (html === "") throw new Error(`A guide shows an example that there is not: ${line}`);
    return `<div class="shown">${html}</div>`;
  }
  const [, who = "", statuses = ""] =
    /^@errors (Fusion API|Console|Services API)((?: \d+)*)$/.exec(line) ?? [];
  if (who === "") throw new Error(`A guide has a line that is not understood: ${line}`);
  return renderErrors(
    errors.filter(
      ({ heardBy, status }) =>
        heardBy.toLowerCase().includes(who.toLowerCase()) &&
        (statuses === "" || statuses.split(" ").includes(String(status))),
    ),
  );
}

function renderErrors(errors: readonly ErrorPage[]): string {
  const withWireCodes = errors.some(({ wireCodes }) => wireCodes.length > 0);
  const rows = errors.map(
    ({ code, status, wireCodes, meaning, remedy }) =>
      `<tr><td>${renderStatus(status)}</td>${withWireCodes ? `<td>${wireCodes.map((wire) => `<code>${escapeHtml(wire)}</code>`).join(" ")}</td>` : ""}<th scope="row"><a href="/docs/errors/${code}"><code>${escapeHtml(code)}</code></a></th><td>${paragraphs(meaning)}</td><td>${paragraphs(remedy)}</td></tr>`,
  );
  return `<div class="table errors" role="group" aria-label="Codes" tabindex="0"><table><thead><tr><th scope="col">Status</th>${withWireCodes ? '<th scope="col">errorCode</th>' : ""}<th scope="col">code</th><th scope="col">What happened</th><th scope="col">What to do</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function paragraphs(markdown: string): string {
  return markdown
    .split(/\n{2,}/)
    .filter((paragraph) => paragraph !== "")
    .map((paragraph) => `<p>${renderInline(paragraph.replaceAll("\n", " "))}</p>`)
    .join("");
}
