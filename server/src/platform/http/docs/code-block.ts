import { escapeHtml } from "../html.ts";

/** A titled block of code; the page's script adds a button that copies it. */
export function renderCode(
  code: string,
  options: { title: string; language: "shell" | "json"; note?: string },
): string {
  const note = options.note === undefined ? "" : ` <span class="note">${escapeHtml(options.note)}</span>`;
  return `<figure class="code"><figcaption>${options.title}${note}</figcaption><pre><code>${paint(code, options.language)}</code></pre></figure>`;
}

/** The status of an answer. */
export function renderStatus(status: number | string): string {
  return `<span class="status s${String(status)[0]}">${escapeHtml(String(status))}</span>`;
}

/** Colours keys, texts, numbers and words; in a command, its variables and quoted parts. */
function paint(code: string, language: "shell" | "json"): string {
  const parts =
    language === "json"
      ? /("(?:[^"\\]|\\.)*")(\s*:)?|\b(-?\d[\d.]*|true|false|null)\b/g
      : /("(?:[^"\\]|\\.)*"|'(?:[^']|'\\'')*')|(^curl|(?<= )-[A-Za-z]\b)/gm;
  let painted = "";
  let at = 0;
  for (const match of code.matchAll(parts)) {
    const [whole, text, second, word] = match;
    painted += escapeHtml(code.slice(at, match.index));
    at = match.index + whole.length;
    if (language === "shell")
      painted +=
        text === undefined
          ? `<b>${escapeHtml(whole)}</b>`
          : text.startsWith("'{")
            ? paint(text, "json")
            : `<i>${escapeHtml(text)}</i>`;
    else if (text === undefined) painted += `<u>${escapeHtml(word ?? "")}</u>`;
    else if (second === undefined) painted += `<i>${escapeHtml(text)}</i>`;
    else painted += `<b>${escapeHtml(text)}</b>${second}`;
  }
  return painted + escapeHtml(code.slice(at));
}
