import { ApiProblem, isMissing } from "./api.ts";
import { usePageHeld } from "./held-page.ts";

/**
 * What a page shows of its query: nothing once the server says that it is gone, or not for this person. A held page keeps it, since the
 * window over it would go too.
 */
export function useShown<Data>(query: {
  readonly data: Data | undefined;
  readonly error: unknown;
}): Data | undefined {
  const isHeld = usePageHeld();
  return isTakenBack(query.error) && !isHeld ? undefined : query.data;
}

/** Whether the server says that there is nothing for this person to see any more. */
export function isTakenBack(error: unknown): boolean {
  return isMissing(error) || (error instanceof ApiProblem && error.status === 403);
}
