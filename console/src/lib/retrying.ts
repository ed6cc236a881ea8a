import { ApiProblem } from "./api.ts";

/** Whether the same request may succeed in a moment: no answer came, there were too many requests, or the fault is the server's. */
export function mayPass(error: unknown): boolean {
  return error instanceof ApiProblem && (error.status === 0 || error.status === 429 || error.status >= 500);
}

/**
 * Options for a query that a form needs before it can be sent: it retries until there is an answer. `failureReason` says what is in the way
 * meanwhile.
 */
export const untilAnswered = {
  retry: (_failures: number, error: Error): boolean => mayPass(error),
  retryDelay: 3_000,
} as const;
