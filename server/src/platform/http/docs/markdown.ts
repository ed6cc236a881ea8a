import { escapeHtml } from "../html.ts";

/**
 * The small part of Markdown that our guides and error pages use: headings, paragraphs, lists, tables, fenced code, `code`, **emphasis**
 * and links. `headingsFrom` is the level that a `#` becomes.
 */
export function renderMarkdown(text: string, { headingsFrom = 1 }: { headingsFrom?: number } = {}): string {
  return blocksOf(text)
    .map((block) => renderBlock(block, headingsFrom))
    .join("\n");
}

/** Text within a line. */
export function renderInline(text: string): string {
  return escapeHtml(text)
    .replaceAll(/`([^`]+)`/g, "<code>$1</code>")
    .replaceAll(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replaceAll(/\[([^\]]+)\]\(((?:#|\/|https:)[^)\s]*)\)/g, '<a href="$2">$1</a>');
}

/** Empty lines separate blocks; a fence keeps its own. */
function blocksOf(text: string): string[] {
  const blocks: string[][] = [[]];
  let fenced = false;
  for (const line of text.trim().split("\n")) {
    if (line === "" && !fenced) blocks.push([]);
    else blocks.at(-1)?.push(line);
    if (line.startsWith("```")) fenced = !fenced;
  }
  return blocks.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
}

function renderBlock(block: string, headingsFrom: number): string {
  const lines = block.split("\n");
  const [first = ""] = lines;
  const heading = /^(#{1,4}) (.+)$/.exec(first);
  if (heading) {
    const level = headingsFrom + (heading[1]?.length ?? 1) - 1;
    const rest = lines.slice(1).join("\n");
    return `<h${level}>${renderInline(heading[2] ?? "")}</h${level}>${rest === "" ? "" : `\n${renderBlock(rest, headingsFrom)}`}`;
  }
  if (first.startsWith("```")) return `<pre><code>${escapeHtml(lines.slice(1, -1).join("\n"))}</code></pre>`;
  if (lines.every((line) => line.startsWith("|"))) return renderTable(lines);
  const list = /^([-*]|\d+\.) /.exec(first);
  if (list && lines.every((line) => /^([-*] |\d+\. |\s{2,})/.test(line))) {
    const number = Number.parseInt(list[1] ?? "", 10);
    const [open, close] = Number.isNaN(number)
      ? ["<ul>", "</ul>"]
      : [number === 1 ? "<ol>" : `<ol start="${number}">`, "</ol>"];
    const items = block.split(/\n(?=[-*] |\d+\. )/).map((item) => item.replace(/^([-*]|\d+\.) /, ""));
    return `${open}${items.map((item) => `<li>${renderInline(item.replaceAll(/\s*\n\s*/g, " "))}</li>`).join("")}${close}`;
  }
  return `<p>${renderInline(lines.join(" "))}</p>`;
}

function renderTable([head = "", _rule, ...rows]: readonly string[]): string {
  const cells = (line: string): string[] =>
    line
      .slice(1, line.lastIndexOf("|"))
      .split("|")
      .map((cell) => renderInline(cell.trim()));
  const titles = cells(head).map((cell) => `<th scope="col">${cell}</th>`);
  const body = rows.map(
    (row) =>
      `<tr>${cells(row)
        .map((cell) => `<td>${cell}</td>`)
        .join("")}</tr>`,
  );
  return `<div class="table" role="group" aria-label="Table" tabindex="0"><table><thead><tr>${titles.join("")}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}
