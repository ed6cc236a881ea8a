import type { QueryClient, QueryFilters } from "@tanstack/react-query";

/**
 * After a change: whatever is shown is asked for again, or what of it the filters name. A first answer that is still under way was perhaps read before the change,
 * and the library takes it for the new one: it is not waited for, and asked for anew.
 */
export async function askAgain(client: QueryClient, filters: QueryFilters = {}): Promise<void> {
  await client.cancelQueries({
    ...filters,
    // Only what pages show: who goes to another page waits for what is loaded for it.
    type: "active",
    predicate: ({ state }) => state.data === undefined,
  });
  await client.invalidateQueries(filters);
}
