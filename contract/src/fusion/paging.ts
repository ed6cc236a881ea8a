import { looseInteger } from "./common.ts";

/** A whole number, as number or text, within bounds. */
export function wholeBetween(smallest: number, largest: number) {
  return looseInteger.refine(
    (value) => value >= smallest && value <= largest,
    `must be from ${smallest} to ${largest}`,
  );
}

/** The query of every list (wire contract, section 1). A page that is not there is empty. */
export const pagingQuery = {
  pageNumber: wholeBetween(1, 1_000_000_000).default(1).describe("From 1."),
  pageSize: wholeBetween(1, 1_000).default(20).describe("At most 1,000."),
};
