import type { OpenApiDocument, OpenApiHeader, OpenApiOperation, OpenApiResponse } from "./openapi.ts";

/** A header that answers of an API may have, whatever the operation. */
export interface AnswerHeader {
  readonly name: string;
  readonly description: string;
  /** The statuses that it comes with; all unless given. */
  readonly statuses?: readonly number[];
  /** Always present with those statuses. */
  readonly isAlwaysThere?: true;
  readonly schema?: OpenApiHeader["schema"];
}

/** The headers themselves, for the document's components. */
export function headerComponents(
  headers: readonly AnswerHeader[],
): NonNullable<OpenApiDocument["components"]["headers"]> {
  return Object.fromEntries(
    headers.map(({ name, description, isAlwaysThere, schema = { type: "string" } }) => [
      name,
      { description, ...(isAlwaysThere && { required: true }), schema },
    ]),
  );
}

/** The operations of a path, with the headers that their answers may have. */
export function withAnswerHeaders(
  operations: OpenApiDocument["paths"][string],
  headers: readonly AnswerHeader[],
): OpenApiDocument["paths"][string] {
  const ofResponse = (status: string, response: OpenApiResponse): OpenApiResponse => ({
    ...response,
    headers: Object.fromEntries(
      headers
        .filter(({ statuses }) => statuses?.some((one) => covers(status, one)) ?? true)
        .map(({ name }) => [name, { $ref: `#/components/headers/${name}` }]),
    ),
  });
  const ofOperation = (operation: OpenApiOperation): OpenApiOperation => ({
    ...operation,
    responses: Object.fromEntries(
      Object.entries(operation.responses ?? {}).map(([status, response]) => [
        status,
        ofResponse(status, response),
      ]),
    ),
  });
  return Object.fromEntries(
    Object.entries(operations).map(([method, operation]) => [method, ofOperation(operation)]),
  );
}

/** Whether a response, listed by its status or by a class such as 4XX, covers this status. */
function covers(listed: string, status: number): boolean {
  return listed === String(status) || listed === `${Math.floor(status / 100)}XX`;
}
