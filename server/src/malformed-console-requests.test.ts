import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "@fusion/contract/problem.ts";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeConsoleOperations, type ConsoleOperations, canary } from "./testing/console-operations.ts";
import { keepConsoleState, restoreConsoleState } from "./testing/console-state.ts";
import type { Caller } from "./testing/malformed-request.ts";
import { countsInWords, sendMalformed, sendRight, type TestAnswer } from "./testing/malformed-run.ts";
import { createTestApp, type TestApp } from "./testing/test-app.ts";

// Whatever is sent to the console's API, by anybody and at any step of a login: no answer is a 5xx, every refusal is a problem that a page
// explains, and no answer contains anything of another fintech.

const requestsMin = 5_000;
const api = "/console/api";
const documentedCodes = new Set(
  readdirSync(join(import.meta.dirname, "../../docs/errors")).map((name) => name.replace(/\.md$/, "")),
);

let app: TestApp;
let operations: ConsoleOperations["operations"];
let callers: ConsoleOperations["callers"];
let rightCallers: ConsoleOperations["rightCallers"];
let admin: Caller;
let seers: ConsoleOperations["seers"];
/** What the program logged as errors: the causes that its answers leave out. */
const logged: string[] = [];

beforeAll(async () => {
  app = await createTestApp({
    parts: { log: pino({ level: "error" }, { write: (line: string) => void logged.push(line) }) },
  });
  ({ operations, callers, rightCallers, admin, seers } = await arrangeConsoleOperations(app, api));
  await keepConsoleState(app.database.owner);
}, 120_000);
afterAll(() => app.close());

/** Each batch of requests begins with the saved state. */
const restoreState = (): Promise<void> => restoreConsoleState(app.database.owner);

/** What is wrong with an answer. */
function judge(answer: TestAnswer, request: { readonly method: string }, caller: Caller): string | undefined {
  const fault = faultOf(answer, request.method);
  if (fault !== undefined) return `${fault}; ${logged.slice(-3).join("")}`;
  if (!seers.has(caller.name) && answer.body.includes(canary)) return "tells of another fintech";
  return undefined;
}

function faultOf({ status, contentType, body }: TestAnswer, method: string): string | undefined {
  if (status >= 500) return "a 5xx";
  if (method === "HEAD" || (status === 204 && body === "")) return undefined;
  if (status < 400)
    return contentType.startsWith("application/json") ? undefined : `content type ${contentType}`;
  if (!contentType.startsWith("application/problem+json")) return `content type ${contentType}`;
  let problem: Problem;
  try {
    problem = Problem.parse(JSON.parse(body));
  } catch {
    return "no problem details";
  }
  if (problem.status !== status) return "another status inside";
  if (!problem.request_id.startsWith("req_")) return "no request id";
  if (!documentedCodes.has(problem.code) || problem.type !== `/docs/errors/${problem.code}`)
    return "no page explains it";
  return undefined;
}

describe("malformed and near-valid requests to the console's API", () => {
  it("are near to ones that are right", async () => {
    for (const operation of operations) {
      await restoreState();
      const name = `${operation.method} ${operation.path.slice(api.length)}`;
      await sendRight(app.http, operation, rightCallers[name] ?? admin);
    }
  });

  it(`at least ${requestsMin} over all operations and callers: no 5xx, documented problems, nothing of another fintech`, {
    timeout: 300_000,
  }, async () => {
    const started = performance.now();
    const { sent, statuses } = await sendMalformed(app.http, {
      operations,
      callers,
      requestsMin,
      judge,
      restore: restoreState,
    });
    const seconds = (performance.now() - started) / 1_000;
    console.log(
      `${sent} requests over ${operations.length} operations in ${seconds.toFixed(1)} s: ${countsInWords(statuses)}`,
    );
    expect(sent).toBeGreaterThanOrEqual(requestsMin);
  });
});
