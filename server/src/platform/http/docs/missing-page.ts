import { escapeHtml, renderPage } from "../html.ts";
import type { Guide } from "./guides.ts";
import { renderHeader } from "./reference-page.ts";

/** For a person at an address of the documentation that does not exist: says so, and lists everything that can be read. */
export function renderMissing(
  apis: readonly { readonly name: string; readonly title: string; readonly guides: readonly Guide[] }[],
): string {
  const references = apis.map(({ name, title, guides }) => {
    const links = guides.map((guide) => `<a href="/docs/${name}#${guide.id}">${escapeHtml(guide.title)}</a>`);
    return `<li><a href="/docs/${name}">Reference of the ${escapeHtml(title)}</a>, with guides: ${links.join(", ")}.</li>`;
  });
  const main = `<main class="narrow"><h1>There is no such page</h1><p>The address may be mistyped, or the page is called something else now. This is what there is:</p><ul>${references.join("")}</ul></main>`;
  return renderPage("There is no such page – Fusion", renderHeader(apis) + main);
}
