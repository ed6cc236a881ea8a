import { escapeHtml } from "./html.ts";
import type { OpenApiDocument, OpenApiOperation, OpenApiSchema } from "./openapi.ts";

// The browsable reference, rendered from the OpenAPI document on the server: no script, nothing loaded from elsewhere, works with a
// keyboard and a screen reader, prints.

const methods = ["get", "post", "put", "patch", "delete"] as const;
/** How deep schemas are unfolded; deeper ones are named. */
const depthMax = 5;

interface Entry {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

/** The `<main>` and `<nav>` of one API's reference. */
export function renderReference(
  document: OpenApiDocument,
  { name, others }: { readonly name: string; readonly others: readonly { name: string; title: string }[] },
): string {
  const groups = Map.groupBy(entriesOf(document), ({ operation }) => operation.tags?.[0] ?? "Other");
  const contents = [...groups]
    .map(
      ([tag, entries]) =>
        `<li><strong>${escapeHtml(tag)}</strong><ul>${entries
          .map(
            ({ id, method, path, operation }) =>
              `<li><a href="#${id}">${escapeHtml(operation.summary ?? `${method.toUpperCase()} ${path}`)}</a></li>`,
          )
          .join("")}</ul></li>`,
    )
    .join("\n");
  const tabs = others
    .map(
      (other) =>
        `<a href="/docs/${other.name}"${other.name === name ? ' aria-current="page"' : ""}>${escapeHtml(other.title)}</a>`,
    )
    .join(" ");
  return `<a class="skip" href="#main">Skip to the reference</a>
<header><p class="brand"><a href="/">Fusion</a> API reference</p><nav aria-label="APIs">${tabs}</nav></header>
<div class="columns">
<nav class="contents" aria-label="Contents"><ul>${contents}</ul></nav>
<main id="main">
<h1>${escapeHtml(document.info.title)}</h1>
<p>${escapeHtml(document.info.description)}</p>
<p>Base address <code>${escapeHtml(document.servers[0]?.url ?? "")}</code> · OpenAPI document <a href="/openapi/${name}.json"><code>/openapi/${name}.json</code></a></p>
${[...groups].map(([tag, entries]) => `<h2>${escapeHtml(tag)}</h2>\n${entries.map((entry) => renderEntry(entry, document)).join("\n")}`).join("\n")}
</main>
</div>`;
}

function entriesOf(document: OpenApiDocument): Entry[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    methods.flatMap((method) => {
      const operation = operations[method];
      const id = `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, "-").replace(/-$/, "")}`;
      return operation ? [{ id, method, path, operation }] : [];
    }),
  );
}

function renderEntry({ id, method, path, operation }: Entry, document: OpenApiDocument): string {
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const parameters = operation.parameters ?? [];
  return `<section id="${id}" aria-labelledby="${id}-title">
<h3 id="${id}-title">${escapeHtml(operation.summary ?? `${method} ${path}`)}</h3>
<p class="address"><span class="method ${method}">${method.toUpperCase()}</span> <code>${escapeHtml(path)}</code></p>
${operation.description ? `<p>${escapeHtml(operation.description)}</p>` : ""}
${parameters.length > 0 ? `<h4>Parameters</h4>\n<table><thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>${parameters.map((one) => row(one.name, one.in, one.required === true, one.schema ?? {}, one.description, document)).join("")}</tbody></table>` : ""}
${body ? `<h4>Body</h4>\n${renderSchema(body, document, 0)}` : ""}
<h4>Answers</h4>
${Object.entries(operation.responses ?? {})
  .map(([status, response]) => {
    const schema = Object.values(response.content ?? {})[0]?.schema;
    const words = response.description === "Default Response" ? "" : (response.description ?? "");
    const title = `<strong>${escapeHtml(status)}</strong> ${escapeHtml(words || (schema ? typeWords(schema) : ""))}`;
    return schema && !isPlain(resolve(schema, document))
      ? `<details${status.startsWith("2") ? " open" : ""}><summary>${title}</summary>${renderSchema(schema, document, 0)}</details>`
      : `<p>${title}</p>`;
  })
  .join("\n")}
</section>`;
}

function renderSchema(schema: OpenApiSchema, document: OpenApiDocument, depth: number): string {
  const resolved = resolve(schema, document);
  const choices = resolved.anyOf ?? resolved.oneOf;
  if (choices && !isPlain(resolved))
    return `<p>One of:</p><ul class="choices">${choices.map((choice) => `<li>${renderSchema(choice, document, depth)}</li>`).join("")}</ul>`;
  if (resolved.items && !isPlain(resolve(resolved.items, document)))
    return `<p>A list of:</p>${renderSchema(resolved.items, document, depth)}`;
  if (!resolved.properties)
    return `<p><code>${escapeHtml(typeWords(resolved))}</code> ${escapeHtml(resolved.description ?? "")}</p>`;
  if (depth >= depthMax) return `<p><code>${escapeHtml(typeWords(schema))}</code></p>`;
  const rows = Object.entries(resolved.properties).map(([name, property]) => {
    const inner = innerObject(property, document);
    return (
      row(name, "", resolved.required?.includes(name) ?? false, property, undefined, document) +
      (inner ? `<tr><td colspan="3" class="inner">${renderSchema(inner, document, depth + 1)}</td></tr>` : "")
    );
  });
  return `<table><thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function row(
  name: string,
  place: string,
  required: boolean,
  schema: OpenApiSchema,
  description: string | undefined,
  document: OpenApiDocument,
): string {
  const resolved = resolve(schema, document);
  const notes = [place, required ? "" : "optional"].filter((note) => note !== "").join(", ");
  const meaning = description ?? schema.description ?? resolved.description ?? "";
  const standard = resolved.default === undefined ? "" : ` Default ${JSON.stringify(resolved.default)}.`;
  return `<tr><th scope="row"><code>${escapeHtml(name)}</code>${notes ? `<span class="notes">${notes}</span>` : ""}</th><td>${escapeHtml(typeWords(schema.$ref ? { ...resolved } : schema))}</td><td>${escapeHtml(meaning + standard)}</td></tr>`;
}

/** The object inside a property: itself, a list's member, or what it is when it is not null. */
function innerObject(schema: OpenApiSchema, document: OpenApiDocument): OpenApiSchema | undefined {
  const resolved = resolve(schema, document);
  if (resolved.properties) return resolved;
  if (resolved.items) return innerObject(resolved.items, document);
  for (const choice of resolved.anyOf ?? resolved.oneOf ?? []) {
    const inner = innerObject(choice, document);
    if (inner) return inner;
  }
  return undefined;
}

function resolve(schema: OpenApiSchema, document: OpenApiDocument): OpenApiSchema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : (document.components.schemas[name] ?? {});
}

function isPlain(schema: OpenApiSchema): boolean {
  if (schema.properties || schema.$ref) return false;
  if (schema.items) return isPlain(schema.items);
  return (schema.anyOf ?? schema.oneOf ?? []).every(isPlain);
}

function typeWords(schema: OpenApiSchema): string {
  if (schema.$ref) return schema.$ref.split("/").at(-1) ?? "";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeWords))].join(" or ");
  if (schema.items) return `list of ${typeWords(schema.items)}`;
  const type = [schema.type ?? "any"].flat().join(" or ");
  return schema.format ? `${type} (${schema.format})` : type;
}
