import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { OpenApiDocument, OpenApiResponse } from "../platform/http/openapi.ts";
import type { TestAnswer } from "./malformed-run.ts";

interface Operation {
  /** The addresses of the operation, as requests have them. */
  readonly addresses: RegExp;
  readonly path: string;
  readonly methods: readonly string[];
}

/**
 * Judges answers by an OpenAPI document alone. Returns undefined when the operation lists the status, the content type is the one listed
 * there, the body matches the schema, and of the headers in the document the answer has all that it must and only those that it may;
 * otherwise says what is wrong. A request that fits no operation must be refused: below `prefix` with `refusal`, a schema of the
 * document's.
 */
export function judgeByDocument(
  document: OpenApiDocument,
  { prefix, refusal }: { readonly prefix: string; readonly refusal: string },
): (answer: TestAnswer, request: { readonly method: string; readonly url: string }) => string | undefined {
  // Not strict: OpenAPI puts keywords of its own beside JSON Schema's.
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, "document");
  const compiled = new Map<string, ValidateFunction>();
  const faultByPointer = (pointer: readonly string[], body: string): string | undefined => {
    const reference = pointer.map((part) =>
      encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")),
    );
    const $ref = `document#/${reference.join("/")}`;
    const validate = compiled.get($ref) ?? ajv.compile({ $ref });
    compiled.set($ref, validate);
    return validate(JSON.parse(body)) ? undefined : `not of the schema: ${ajv.errorsText(validate.errors)}`;
  };
  const operations = Object.entries(document.paths)
    .map(
      ([path, methods]): Operation => ({
        // With or without a slash at the end, and with empty parameters, like the server.
        addresses: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]*")}/?$`),
        path,
        methods: Object.keys(methods),
      }),
    )
    // A fixed part takes precedence over a parameter in the same place.
    .sort((left, right) => left.path.split("{").length - right.path.split("{").length);

  const faultOfHeaders = (
    headers: TestAnswer["headers"],
    listed: OpenApiResponse["headers"] = {},
  ): string | undefined => {
    for (const [name, { required }] of Object.entries(document.components.headers ?? {})) {
      const isThere = headers[name.toLowerCase()] !== undefined;
      if (isThere && !(name in listed)) return `header ${name}, which is not listed`;
      if (!isThere && name in listed && required) return `no header ${name}`;
    }
    return undefined;
  };

  return ({ status, contentType, body, headers }, { method, url }) => {
    const { pathname } = new URL(url, "http://document.example");
    const found = operations.find(({ addresses }) => addresses.test(pathname));
    const called = method === "HEAD" ? "get" : method.toLowerCase();
    if (!found?.methods.includes(called)) {
      if (status < 400) return "an operation that the document does not have";
      // Dots in an address can lead out of the API.
      if (method === "HEAD" || !pathname.startsWith(prefix)) return undefined;
      return faultByPointer(["components", "schemas", refusal], body);
    }
    const pointer = ["paths", found.path, called, "responses", String(status)];
    const listed = document.paths[found.path]?.[called]?.responses?.[status];
    if (!listed) return `a status that ${called.toUpperCase()} ${found.path} does not list`;
    const odd = faultOfHeaders(headers, listed.headers);
    if (odd !== undefined) return odd;
    if (method === "HEAD") return body === "" ? undefined : "a body for HEAD";
    const type = contentType.split(";")[0] ?? "";
    if (!listed.content?.[type]) return `content type ${type}, which is not listed`;
    return faultByPointer([...pointer, "content", type, "schema"], body);
  };
}
