import { escapeHtml } from "../html.ts";
import type { OpenApiDocument, OpenApiSchema } from "../openapi.ts";
import { renderInline } from "./markdown.ts";

/** How deep schemas are unfolded; deeper ones are only named. */
const depthMax = 5;

/** The fields of a body or an answer, unfolded. */
export function renderSchema(schema: OpenApiSchema, document: OpenApiDocument, depth = 0): string {
  const resolved = resolve(schema, document);
  const choices = resolved.anyOf ?? resolved.oneOf;
  if (choices && !isPlain(resolved))
    return `<p>One of:</p><ul class="choices">${choices.map((choice) => `<li>${renderSchema(choice, document, depth)}</li>`).join("")}</ul>`;
  if (resolved.items && !isPlain(resolve(resolved.items, document)))
    return `<p>A list of:</p>${renderSchema(resolved.items, document, depth)}`;
  if (!resolved.properties)
    return `<p><code>${escapeHtml(typeWords(resolved))}</code> ${renderInline(resolved.description ?? "")}</p>`;
  if (depth >= depthMax) return `<p><code>${escapeHtml(typeWords(schema))}</code></p>`;
  const fields = Object.entries(resolved.properties).map(([name, property]) => {
    const inner = innerObject(property, document);
    return renderField({
      name,
      schema: resolve(property, document),
      notes: resolved.required?.includes(name) ? [] : ["optional"],
      description: property.description,
      inner: inner ? renderSchema(inner, document, depth + 1) : "",
    });
  });
  return `<dl class="fields">${fields.join("")}</dl>`;
}

export function renderField(field: {
  readonly name: string;
  readonly schema: OpenApiSchema;
  /** Such as `optional`, or where the field is sent. */
  readonly notes: readonly string[];
  readonly description?: string | undefined;
  readonly inner?: string;
}): string {
  const { name, schema, notes, inner = "" } = field;
  const meaning = field.description ?? schema.description ?? "";
  const standard = schema.default === undefined ? "" : ` Default \`${JSON.stringify(schema.default)}\`.`;
  const said = renderInline(`${meaning}${standard}`.trim());
  return `<div><dt><code>${escapeHtml(name)}</code> <span class="type">${escapeHtml(typeWords(schema))}</span>${notes.map((note) => ` <span class="note">${escapeHtml(note)}</span>`).join("")}</dt><dd>${said === "" ? "" : `<p>${said}</p>`}${inner}</dd></div>`;
}

/** Whether there are fields to show at all. */
export function hasFields(schema: OpenApiSchema, document: OpenApiDocument): boolean {
  return !isPlain(resolve(schema, document));
}

/** The object inside a property: the property itself, a list's member, or its type when it is not null; of several kinds all. */
function innerObject(schema: OpenApiSchema, document: OpenApiDocument): OpenApiSchema | undefined {
  const resolved = resolve(schema, document);
  if (resolved.properties) return resolved;
  if (resolved.items) return innerObject(resolved.items, document);
  const choices = (resolved.anyOf ?? resolved.oneOf ?? []).flatMap(
    (choice) => innerObject(choice, document) ?? [],
  );
  return choices.length > 1 ? { anyOf: choices } : choices[0];
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
