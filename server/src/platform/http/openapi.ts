import swagger from "@fastify/swagger";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { withExamples } from "./openapi-examples.ts";
import { type AnswerHeader, headerComponents, withAnswerHeaders } from "./openapi-headers.ts";
import type { HttpServer } from "./server.ts";

/** One API of this server, which gets a document of its own. */
export interface ApiDescription {
  /** Its document is `/openapi/<name>.json`. */
  readonly name: string;
  readonly title: string;
  /** Sentences without Markdown. */
  readonly description: string;
  /** Addresses with these prefixes belong to it. */
  readonly prefixes: readonly string[];
  /** OpenAPI security schemes; each alone suffices. */
  readonly securitySchemes: Readonly<Record<string, object>>;
  /** The headers that its answers may have. */
  readonly answerHeaders: readonly AnswerHeader[];
  /** Calls that its reader may repeat; requested when the document is made. */
  readonly examples?: () => readonly OperationExample[];
}

/** A call of an operation and its answer. */
export interface OperationExample {
  readonly title: string;
  readonly method: string;
  /** As in the document's paths. */
  readonly address: string;
  /** The same with all parameters filled in, from the slash after the host. */
  readonly url: string;
  readonly headers: readonly string[];
  /** Parameters of the path and the query, by name. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly status: number;
  readonly answer: unknown;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly description: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, OpenApiSchema>>;
    readonly headers?: Readonly<Record<string, OpenApiHeader>>;
  };
}

export interface OpenApiOperation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: OpenApiSchema;
    readonly example?: unknown;
  }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, OpenApiContent>> };
  readonly responses?: Readonly<Record<string, OpenApiResponse>>;
  /** The scope that a token needs: an extension of ours. */
  readonly "x-required-scope"?: string;
  /** Given where it differs from the document's. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  /** Shell commands: a widely understood extension (Redoc, Scalar). */
  readonly "x-codeSamples"?: readonly OpenApiCodeSample[];
}

export interface OpenApiResponse {
  readonly description?: string;
  /** By name; each refers to one of the document's headers. */
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, OpenApiContent>>;
}

export interface OpenApiHeader {
  readonly description: string;
  readonly required?: boolean;
  readonly schema: OpenApiSchema;
}

export interface OpenApiContent {
  readonly schema?: OpenApiSchema;
  /** By title. */
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

export interface OpenApiCodeSample {
  readonly lang: string;
  /** The example's title, which also names its answer among the responses. */
  readonly label: string;
  readonly source: string;
}

/** JSON Schema 2020-12, as far as it is read here. */
export interface OpenApiSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly required?: readonly string[];
  readonly items?: OpenApiSchema;
  readonly anyOf?: readonly OpenApiSchema[];
  readonly oneOf?: readonly OpenApiSchema[];
  readonly allOf?: readonly OpenApiSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly default?: unknown;
}

/** Collects the routes registered from here on, which may name security schemes of these APIs. */
export async function collectRoutesForOpenApi(
  http: HttpServer,
  apis: readonly ApiDescription[],
): Promise<void> {
  const securitySchemes = Object.assign({}, ...apis.map((api) => api.securitySchemes));
  await http.register(swagger, {
    openapi: { openapi: "3.1.0", info: { title: "Fusion", version: "1" }, components: { securitySchemes } },
    transform(input) {
      const { schema, url } = jsonSchemaTransform(input);
      const { requiredScope } = (input.route.config ?? {}) as { requiredScope?: string };
      return {
        url,
        schema: requiredScope === undefined ? schema : { ...schema, "x-required-scope": requiredScope },
      };
    },
    transformObject: jsonSchemaTransformObject,
  });
}

/** Serves `/openapi/<name>.json` for each API. Documents are generated at the first request, which keeps the start short. */
export function registerOpenApiRoutes(
  http: HttpServer,
  apis: readonly ApiDescription[],
  options: { readonly publicUrl: string; readonly version: string },
): { readonly document: (name: string) => OpenApiDocument | undefined } {
  const documents = new Map<string, OpenApiDocument>();
  const document = (name: string): OpenApiDocument | undefined => {
    const api = apis.find((one) => one.name === name);
    if (!api) return undefined;
    let known = documents.get(name);
    if (!known) {
      known = documentOf(api, http.swagger() as unknown as OpenApiDocument, options);
      documents.set(name, known);
    }
    return known;
  };
  http.get<{ Params: { file: string } }>(
    "/openapi/:file",
    { schema: { hide: true } },
    async (request, reply) => {
      const found = request.params.file.endsWith(".json")
        ? document(request.params.file.slice(0, -5))
        : undefined;
      if (!found) return reply.callNotFound();
      return reply
        .type("application/json; charset=utf-8")
        .header("cache-control", "no-cache")
        .serializer(JSON.stringify)
        .send(found);
    },
  );
  return { document };
}

/** Keeps the API's own paths, and only the schemas that they reach: the collector lists every schema of the process. */
function documentOf(
  api: ApiDescription,
  whole: OpenApiDocument,
  { publicUrl, version }: { publicUrl: string; version: string },
): OpenApiDocument {
  const paths = withExamples(
    Object.fromEntries(
      Object.entries(whole.paths)
        .filter(([path]) => api.prefixes.some((prefix) => path.startsWith(prefix)))
        .map(([path, operations]) => [
          path,
          withAnswerHeaders(withSecurity(operations, api), api.answerHeaders),
        ]),
    ),
    api.examples?.() ?? [],
    publicUrl,
  );
  const all = whole.components?.schemas ?? {};
  const schemas: Record<string, OpenApiSchema> = {};
  const reach = (part: unknown): void => {
    for (const [, name = ""] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      const schema = all[name];
      if (schema === undefined || name in schemas) continue;
      schemas[name] = schema;
      reach(schema);
    }
  };
  reach(paths);
  return {
    openapi: whole.openapi,
    info: { title: api.title, description: api.description, version },
    servers: [{ url: publicUrl }],
    security: securityOf(api, []),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      headers: headerComponents(api.answerHeaders),
      securitySchemes: api.securitySchemes,
    },
  } as OpenApiDocument;
}

/** OpenAPI 3.1.0, "Security Requirement Object": for schemes other than OAuth 2 the list may name roles; we put the scope there. */
function withSecurity(
  operations: OpenApiDocument["paths"][string],
  api: ApiDescription,
): OpenApiDocument["paths"][string] {
  return Object.fromEntries(
    Object.entries(operations).map(([method, operation]) => {
      const scope = operation["x-required-scope"];
      return [method, scope === undefined ? operation : { ...operation, security: securityOf(api, [scope]) }];
    }),
  );
}

function securityOf(api: ApiDescription, scopes: readonly string[]): Record<string, readonly string[]>[] {
  return Object.keys(api.securitySchemes).map((name) => ({ [name]: scopes }));
}
