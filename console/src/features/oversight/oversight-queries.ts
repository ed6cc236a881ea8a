import {
  OverseenAccountDetails,
  OverseenAccountList,
  OverseenFintechList,
  type OverseenHolder,
  OverseenHolderDetails,
  OverseenHolderList,
  OverseenTransfer,
  OverseenTransferList,
  ProcessList,
  TeamActivity,
} from "@fusion/contract/oversight.ts";
import type { Environment } from "@fusion/contract/primitives.ts";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import { get, post } from "../../lib/api.ts";

// Queries about a fintech never refetch by themselves: every page that is opened is recorded.

/** Whose books. */
export interface Books {
  readonly fintechId: string;
  readonly environment: Environment;
}

const path = encodeURIComponent;
const addressOf = ({ fintechId, environment }: Books): string =>
  `/oversight/fintechs/${path(fintechId)}/${path(environment)}`;

export const fintechsQuery = queryOptions({
  queryKey: ["oversight", "fintechs"],
  queryFn: ({ signal }) => get("/oversight/fintechs", OverseenFintechList, { signal }),
  staleTime: 60_000,
});

/** This is about nobody's books, so it refetches by itself. */
export const processesQuery = queryOptions({
  queryKey: ["oversight", "processes"],
  queryFn: ({ signal }) => get("/oversight/processes", ProcessList, { signal }),
  refetchInterval: 2_000,
});

/** A list in which each page continues where the one before ended. */
function pagesOf<Schema extends z.ZodType<{ nextCursor: string | null }>>(
  key: readonly string[],
  address: string,
  schema: Schema,
) {
  return infiniteQueryOptions({
    queryKey: ["oversight", ...key],
    queryFn: ({ pageParam, signal }) =>
      get(pageParam === null ? address : `${address}?cursor=${path(pageParam)}`, schema, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchOnWindowFocus: false,
  });
}

export const holdersQuery = (books: Books) =>
  pagesOf([addressOf(books), "holders"], `${addressOf(books)}/account-holders`, OverseenHolderList);

export const accountsQuery = (books: Books) =>
  pagesOf([addressOf(books), "accounts"], `${addressOf(books)}/accounts`, OverseenAccountList);

export const accountQuery = (books: Books, accountId: string) =>
  pagesOf(
    [addressOf(books), "account", accountId],
    `${addressOf(books)}/accounts/${path(accountId)}`,
    OverseenAccountDetails,
  );

export const transfersQuery = (books: Books) =>
  pagesOf([addressOf(books), "transfers"], `${addressOf(books)}/transfers`, OverseenTransferList);

export const teamActivityQuery = pagesOf(["team-activity"], "/team-activity", TeamActivity);

export const holderQuery = (books: Books, accountHolderId: string) =>
  queryOptions({
    queryKey: ["oversight", addressOf(books), "holder", accountHolderId],
    queryFn: ({ signal }) =>
      get(`${addressOf(books)}/account-holders/${path(accountHolderId)}`, OverseenHolderDetails, { signal }),
    refetchOnWindowFocus: false,
  });

export const transferQuery = (books: Books, transferId: string) =>
  queryOptions({
    queryKey: ["oversight", addressOf(books), "transfer", transferId],
    queryFn: ({ signal }) =>
      get(`${addressOf(books)}/transfers/${path(transferId)}`, OverseenTransfer, { signal }),
    refetchOnWindowFocus: false,
  });

/** Finds the account holder that the text names, or undefined. The text is sent in a body, so that no address has a phone number. */
export async function findHolder(books: Books, text: string): Promise<OverseenHolder | undefined> {
  const { accountHolders } = await post(
    `${addressOf(books)}/account-holders/search`,
    { text },
    OverseenHolderList,
  );
  return accountHolders[0];
}

/** Finds the transfer that the text names, or undefined. */
export async function findTransfer(books: Books, text: string): Promise<OverseenTransfer | undefined> {
  const { transfers } = await get(`${addressOf(books)}/transfers?search=${path(text)}`, OverseenTransferList);
  return transfers[0];
}
