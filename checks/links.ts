// Every relative link of a page leads to a file of the repository, and its anchor to a heading there.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");

/**
 * The links of a Markdown text, except those to other sites, to paths of the running server and within the page that it makes of the
 * guides.
 */
function linksIn(markdown: string): string[] {
  const prose = markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^([a-z]+:|[/#])/.test(target));
}

/** The anchors that a page's headings get. */
function anchorsOf(markdown: string): Set<string> {
  return new Set(
    [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

for (const page of globSync("**/*.md", { cwd: root, exclude: ["**/node_modules/**", "data/**"] })) {
  const markdown = readFileSync(join(root, page), "utf8");
  for (const link of linksIn(markdown)) {
    const [path = "", anchor] = link.split("#");
    const target = join(root, dirname(page), decodeURIComponent(path));
    const leads =
      existsSync(target) &&
      (anchor === undefined ||
        !target.endsWith(".md") ||
        anchorsOf(readFileSync(target, "utf8")).has(anchor));
    if (leads) continue;
    console.error(`${page}: the link to ${link} leads nowhere.`);
    process.exitCode = 1;
  }
}
