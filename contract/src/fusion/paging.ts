import { looseInteger } from "./common.ts";

/** A whole number within bounds, as a number or text. */
export function wholeBetween(smallest: number, largest: number) {
  return looseInteger.refine(
    (value) => value >= smallest && value <= largest,
    `must be from ${smallest} to ${largest}`,
  );
}

/** The query of every list (wire contract, section 1). A page beyond the end is empty. */
export const pagingQuery = {
  pageNumber: wholeBetween(1, 1_000_000_000).default(1).describe("From 1."),
  pageSize: wholeBetween(1, 1_000).default(20).describe("At most 1,000."),
};
