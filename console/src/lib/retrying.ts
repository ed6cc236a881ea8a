import { ApiProblem } from "./api.ts";

/** Whether the same request may succeed in a moment: nobody answered, too much was asked, or the fault is the server's. */
export function mayPass(error: unknown): boolean {
  return error instanceof ApiProblem && (error.status === 0 || error.status === 429 || error.status >= 500);
}

/** Options of a query without which a form cannot be sent: asked until there is an answer. `failureReason` says what stands in the way meanwhile. */
export const untilAnswered = {
  retry: (_failures: number, error: Error): boolean => mayPass(error),
  retryDelay: 3_000,
} as const;
