import { ApiProblem, isMissing } from "./api.ts";
import { usePageHeld } from "./held-page.ts";

/**
 * What a page shows of what it asked for: nothing any more once the server says that it is gone, or not for this person. Only a page that is
 * held keeps it, since the window over it would go, too.
 */
export function useShown<Data>(query: {
  readonly data: Data | undefined;
  readonly error: unknown;
}): Data | undefined {
  const isHeld = usePageHeld();
  return isTakenBack(query.error) && !isHeld ? undefined : query.data;
}

/** There is nothing to see for this person any more. */
export function isTakenBack(error: unknown): boolean {
  return isMissing(error) || (error instanceof ApiProblem && error.status === 403);
}
