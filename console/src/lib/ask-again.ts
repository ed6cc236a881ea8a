import type { QueryClient, QueryFilters } from "@tanstack/react-query";

/**
 * Refetches, after a change, whatever is shown, or only what the filters name. A first answer that is still under way may have been read
 * before the change, and the library would take it for the new one, so it is cancelled and asked for anew.
 */
export async function askAgain(client: QueryClient, filters: QueryFilters = {}): Promise<void> {
  await client.cancelQueries({
    ...filters,
    // Only what pages show: a navigation waits for what is being loaded for its page.
    type: "active",
    predicate: ({ state }) => state.data === undefined,
  });
  await client.invalidateQueries(filters);
}
