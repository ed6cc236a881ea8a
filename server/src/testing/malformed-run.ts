import fc from "fast-check";
import type { OpenApiDocument } from "../platform/http/openapi.ts";
import type { HttpServer } from "../platform/http/server.ts";
import {
  type Caller,
  malformedRequest,
  type Operation,
  rightRequest,
  type TestRequest,
} from "./malformed-request.ts";

/** What a test knows about an operation beyond its document. */
export interface Example {
  /** See {@link Operation}. */
  readonly body?: (variant: number) => unknown;
  readonly headers?: (variant: number) => Record<string, string>;
  /** In addition to what is required. */
  readonly query?: string;
}

/**
 * Every operation of a document. The keys of `examples` are method and path, such as `POST /transfers`, without `below`. Throws when an
 * operation with a body has none, so that a new one cannot be left out.
 */
export function operationsOf(
  document: OpenApiDocument,
  below: string,
  known: {
    readonly parameters: Operation["parameters"];
    readonly examples: Readonly<Record<string, Example>>;
    /** Values for required query parameters. */
    readonly queries: Readonly<Record<string, string>>;
  },
): Operation[] {
  const shared = [...below.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const missing = new Set(Object.keys(known.examples));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, described]): Operation[] => {
      if (!path.startsWith(below)) return [];
      const name = `${method.toUpperCase()} ${path.slice(below.length)}`;
      const example = known.examples[name];
      missing.delete(name);
      if (described.requestBody && !example?.body) throw new Error(`${name} needs an example of its body`);
      const queries = (described.parameters ?? []).filter((one) => one.in === "query");
      return [
        {
          method: method.toUpperCase(),
          path,
          shared,
          parameters: known.parameters,
          headers: example?.headers,
          body: example?.body,
          query: [
            ...queries
              .filter((one) => one.required)
              .map((one) => `${one.name}=${known.queries[one.name] ?? "1"}`),
            ...(example?.query ? [example.query] : []),
          ].join("&"),
          queryNames: queries.map((one) => one.name),
        },
      ];
    }),
  );
  if (missing.size > 0) throw new Error(`Examples of no operation: ${[...missing].join(", ")}`);
  return operations;
}

export interface TestAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Says what is wrong with an answer; undefined when nothing is. */
export type Judge = (
  answer: TestAnswer,
  request: TestRequest,
  caller: Caller,
  operation: Operation,
) => string | undefined;

/** How many requests of each operation are sent at once. */
const atOnce = 3;

/**
 * Sends at least `requestsMin` malformed and nearly valid requests, each operation equally often, and returns how often each status was
 * answered. Throws at the first answer that `judge` finds wrong, with the request and a seed: with that in FUSION_TEST_SEED, a run begins
 * with the batch that failed.
 */
export async function sendMalformed(
  http: HttpServer,
  run: {
    readonly operations: readonly Operation[];
    readonly callers: { readonly usual: readonly Caller[]; readonly odd: readonly Caller[] };
    readonly requestsMin: number;
    readonly judge: Judge;
    /** Done before each batch. */
    readonly restore?: () => Promise<unknown>;
  },
): Promise<{ readonly sent: number; readonly statuses: ReadonlyMap<number, number> }> {
  const seed = Number(process.env.FUSION_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const statuses = new Map<number, number>();
  let sent = 0;
  const batches = Math.ceil(run.requestsMin / (run.operations.length * atOnce));
  const requests = run.operations.map((operation) => malformedRequest(operation, run.callers));
  const batch = fc.tuple(...Array.from({ length: atOnce }, () => requests).flat());
  // Generated a few at a time, so that a long run needs little memory.
  for (let done = 0; done < batches; done += 1) {
    const [calls = []] = fc.sample(batch, { seed: seed + done, numRuns: 1 });
    await run.restore?.();
    await Promise.all(
      calls.map(async ({ caller, request }, index) => {
        const operation = run.operations[index % run.operations.length] as Operation;
        const answer = await send(http, request);
        sent += 1;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const fault = run.judge(answer, request, caller, operation);
        if (fault !== undefined)
          throw new Error(`FUSION_TEST_SEED=${seed + done} ${tell(fault, { answer, request, caller })}`);
      }),
    );
  }
  return { sent, statuses };
}

/** A correct call of the operation. Throws unless it is accepted, which proves that the requests above are close to valid ones. */
export async function sendRight(
  http: HttpServer,
  operation: Operation,
  caller: Caller,
): Promise<{ readonly answer: TestAnswer; readonly request: TestRequest }> {
  const request = rightRequest(operation, caller);
  const answer = await send(http, request);
  if (answer.status >= 300) throw new Error(tell("a right request was refused", { answer, request, caller }));
  return { answer, request };
}

async function send(http: HttpServer, request: TestRequest): Promise<TestAnswer> {
  const response = await http.inject({ ...request, method: request.method as "GET" });
  return {
    status: response.statusCode,
    body: response.body,
    contentType: String(response.headers["content-type"] ?? ""),
    headers: response.headers,
  };
}

function tell(
  fault: string,
  { answer, request, caller }: { answer: TestAnswer; request: TestRequest; caller: Caller },
): string {
  const { payload, ...rest } = request;
  const shown = Buffer.isBuffer(payload) ? `hex ${payload.toString("hex")}` : payload?.slice(0, 2_000);
  return `${fault}: ${answer.status} ${answer.body.slice(0, 500)}\n${caller.name}: ${JSON.stringify(rest).slice(0, 4_000)}\n${shown}`;
}

/** Counts in words, for a test's one line of output. */
export function countsInWords(statuses: ReadonlyMap<number, number>): string {
  return [...statuses]
    .sort(([left], [right]) => left - right)
    .map(([status, count]) => `${status}: ${count}`)
    .join(", ");
}
