import { escapeHtml } from "../html.ts";
import { formatJson } from "../json-text.ts";
import type { OpenApiDocument, OpenApiOperation, OpenApiResponse } from "../openapi.ts";
import { renderCode, renderStatus } from "./code-block.ts";
import { renderInline, renderMarkdown } from "./markdown.ts";
import { hasFields, renderField, renderSchema } from "./schema-fields.ts";

const methods = ["get", "post", "put", "patch", "delete"] as const;

/** One operation of a document, with its anchor on the page. */
export interface Entry {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

/** Such as `post-transfers`, `get-accounts-accountID-balance`; the prefix of all addresses is left out, except for a later version. */
export function entriesOf(document: OpenApiDocument): Entry[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    methods.flatMap((method) => {
      const operation = operations[method];
      const own = path
        .replace(/^\/api\/v1\/ifi\/\{ifiID\}|^\/api(?=\/v\d)|^\/console\/api/, "")
        .replace("/ifi/{ifiID}", "");
      const id = `${method}${own.replaceAll(/[^A-Za-z0-9]+/g, "-").replace(/-$/, "")}`;
      return operation ? [{ id, method, path, operation }] : [];
    }),
  );
}

export function renderMethod(method: string): string {
  return `<span class="method ${method}">${method.toUpperCase()}</span>`;
}

export function titleOf({ operation, method, path }: Entry): string {
  return operation.summary ?? `${method.toUpperCase()} ${path}`;
}

export function renderOperation(entry: Entry, document: OpenApiDocument): string {
  const { id, method, path, operation } = entry;
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const parameters = operation.parameters ?? [];
  const scope = operation["x-required-scope"];
  const examples = renderExamples(operation);
  return `<section id="${id}" class="operation${examples === "" ? " plain" : ""}" aria-labelledby="${id}-title">
<div class="words">
<h3 id="${id}-title">${escapeHtml(titleOf(entry))} <a class="anchor" href="#${id}" aria-label="Link to ${escapeHtml(titleOf(entry))}">#</a></h3>
<p class="address">${renderMethod(method)} <code>${escapeHtml(path)}</code></p>
${renderMarkdown(operation.description ?? "")}
${scope ? `<p class="scope">Scope <code>${escapeHtml(scope)}</code></p>` : ""}
${parameters.length > 0 ? `<h4>Parameters</h4>\n<dl class="fields">${parameters.map((one) => renderField({ name: one.name, schema: one.schema ?? {}, notes: [one.in, ...(one.required ? [] : ["optional"])], description: one.description })).join("")}</dl>` : ""}
${body ? `<h4>Body</h4>\n${renderSchema(body, document)}` : ""}
<h4>Answers</h4>
<ul class="answers">${Object.entries(operation.responses ?? {})
    .map(([status, response]) => `<li>${renderAnswer(status, response, document)}</li>`)
    .join("")}</ul>
</div>
${examples}
</section>`;
}

function renderAnswer(status: string, response: OpenApiResponse, document: OpenApiDocument): string {
  const schema = Object.values(response.content ?? {})[0]?.schema;
  const words = response.description === "Default Response" ? "" : (response.description ?? "");
  const title = `${renderStatus(status)} ${renderInline(words)}`;
  if (!schema || !status.startsWith("2") || !hasFields(schema, document)) return title;
  return `<details><summary>${title}${words === "" ? "The fields of the answer" : ""}</summary>${renderSchema(schema, document)}</details>`;
}

/** Shows the first example in full beside the words, the others folded. */
function renderExamples(operation: OpenApiOperation): string {
  const labels = (operation["x-codeSamples"] ?? []).map(({ label }) => label);
  const [first, ...others] = labels.map((label) => ({ label, html: renderExample(operation, label) }));
  if (!first) return "";
  const more = others.map(
    ({ label, html }) => `<details class="more"><summary>${escapeHtml(label)}</summary>${html}</details>`,
  );
  return `<div class="examples">${first.html}${more.join("")}</div>`;
}

/** A command and its answer; empty when there is no such example. */
export function renderExample(operation: OpenApiOperation, label: string): string {
  const sample = operation["x-codeSamples"]?.find((one) => one.label === label);
  if (!sample) return "";
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    const answer = Object.values(response.content ?? {})[0]?.examples?.[label];
    if (!answer) continue;
    return (
      renderCode(sample.source, { title: "Call", language: "shell", note: label }) +
      renderCode(formatJson(answer.value), { title: `Answer ${renderStatus(status)}`, language: "json" })
    );
  }
  return "";
}
