import { curlOf } from "./curl.ts";
import type { OpenApiContent, OpenApiDocument, OpenApiOperation, OperationExample } from "./openapi.ts";

type Paths = OpenApiDocument["paths"];

/** The paths with the examples in their operations: parameters, bodies, answers, and the calls as commands. */
export function withExamples(paths: Paths, examples: readonly OperationExample[], publicUrl: string): Paths {
  const byOperation = Map.groupBy(examples, ({ method, address }) => `${method.toLowerCase()} ${address}`);
  return Object.fromEntries(
    Object.entries(paths).map(([address, operations]) => [
      address,
      Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => {
          const own = byOperation.get(`${method} ${address}`);
          return [method, own ? illustrate(operation, own, publicUrl) : operation];
        }),
      ),
    ]),
  );
}

function illustrate(
  operation: OpenApiOperation,
  examples: readonly OperationExample[],
  publicUrl: string,
): OpenApiOperation {
  const parameters = operation.parameters?.map((parameter) => {
    const example = examples.find(({ parameters: known }) => parameter.name in known);
    return example ? { ...parameter, example: example.parameters[parameter.name] } : parameter;
  });
  const bodies = examples.filter(({ body }) => body !== undefined);
  const responses = { ...operation.responses };
  for (const [status, answers] of Map.groupBy(examples, (example) => String(example.status))) {
    responses[status] = {
      ...responses[status],
      content: addExamples(
        responses[status]?.content,
        answers.map(({ title, answer }) => [title, answer]),
      ),
    };
  }
  return {
    ...operation,
    ...(parameters ? { parameters } : {}),
    ...(operation.requestBody
      ? {
          requestBody: {
            ...operation.requestBody,
            content: addExamples(
              operation.requestBody.content,
              bodies.map(({ title, body }) => [title, body]),
            ),
          },
        }
      : {}),
    responses,
    "x-codeSamples": examples.map(({ title, url, ...call }) => ({
      lang: "Shell",
      label: title,
      source: curlOf({ ...call, url: publicUrl + url }),
    })),
  };
}

function addExamples(
  content: Readonly<Record<string, OpenApiContent>> = { "application/json": {} },
  examples: readonly (readonly [title: string, value: unknown])[],
): Record<string, OpenApiContent> {
  return Object.fromEntries(
    Object.entries(content).map(([type, one]) => [
      type,
      { ...one, examples: Object.fromEntries(examples.map(([title, value]) => [title, { value }])) },
    ]),
  );
}
