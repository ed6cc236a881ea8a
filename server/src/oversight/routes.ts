import { consoleApi } from "@fusion/contract/console-api.ts";
import {
  BooksPath,
  HolderSearch,
  OverseenAccountDetails,
  OverseenAccountList,
  OverseenFintechList,
  OverseenHolderDetails,
  OverseenHolderList,
  OverseenTransfer,
  OverseenTransferList,
  ProcessList,
  TeamActivity,
  TransferSearch,
} from "@fusion/contract/oversight.ts";
import { Problem } from "@fusion/contract/problem.ts";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { AuthenticateUser } from "../access/authenticate.ts";
import { provenUser } from "../access/proven-user.ts";
import { listNodes } from "../leases/list-nodes.ts";
import type { AccountId } from "../ledger/account.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { Keys } from "../platform/keys.ts";
import type { Look, OversightDeps } from "./books.ts";
import { listOverseenFintechs } from "./list-fintechs.ts";
import { lookAtAccount, lookAtAccounts } from "./look-at-accounts.ts";
import { type HolderPage, lookAtHolder, lookAtHolders, searchHolders } from "./look-at-holders.ts";
import { lookAtTransfer, lookAtTransfers, searchTransfers } from "./look-at-transfers.ts";
import { listTeamActivity } from "./team-activity.ts";
import {
  accountView,
  cursorOf,
  entryView,
  holderView,
  numberOf,
  placeOf,
  processesView,
  transactionView,
  transferView,
} from "./views.ts";

export type OversightRoutesDeps = OversightDeps & {
  readonly keys: Keys;
  readonly authenticate: AuthenticateUser;
};

const books = `${consoleApi}/oversight/fintechs/:fintechId/:environment`;
const tags = ["Oversight"];
const pageSize = 50;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const failures = { 400: Problem, 401: Problem, 403: Problem, 404: Problem, 503: Problem };
const Page = z.object({
  cursor: z.string().max(100).optional().describe("`nextCursor` of the page before."),
});

/** What the Fusion team sees of a fintech's books, read-only, and what the fintech sees of the Fusion team; under `/console/api`. */
export function registerOversightRoutes(http: HttpServer, deps: OversightRoutesDeps): void {
  const user = provenUser(deps.authenticate);
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      await user.prove(request);
    });

    scope.get(
      `${consoleApi}/oversight/fintechs`,
      {
        schema: {
          tags,
          summary: "Every fintech; for the Fusion team",
          response: { 200: OverseenFintechList, 401: Problem, 403: Problem, 503: Problem },
        },
      },
      async (request) => ({ fintechs: await listOverseenFintechs(deps, user.of(request)) }),
    );

    scope.get(
      `${consoleApi}/oversight/processes`,
      {
        schema: {
          tags,
          summary: "The processes that answer for tokens, and how far each is; for the Fusion team",
          response: { 200: ProcessList, 401: Problem, 403: Problem, 503: Problem },
        },
      },
      async (request) => processesView(await listNodes(deps, user.of(request))),
    );

    scope.get(
      `${books}/account-holders`,
      {
        schema: {
          tags,
          summary: "A fintech's account holders, latest first, their identities masked",
          description:
            "As everything here for the Fusion team alone, and recorded where the fintech's admins see it.",
          params: BooksPath,
          querystring: Page,
          response: { 200: OverseenHolderList, ...failures },
        },
      },
      async (request) => {
        const place = request.query.cursor === undefined ? null : placeOf(request.query.cursor, uuid);
        const page = await lookAtHolders(deps, user.of(request), lookOf(request), {
          after: place && { createdAt: place.at, accountHolderId: place.id },
          limit: pageSize,
        });
        return holderPageView(page);
      },
    );

    scope.post(
      `${books}/account-holders/search`,
      {
        schema: {
          tags,
          summary: "Find an account holder by id, by phone, or by an account's id",
          params: BooksPath,
          body: HolderSearch,
          response: { 200: OverseenHolderList, ...failures },
        },
      },
      async (request) =>
        holderPageView(await searchHolders(deps, user.of(request), lookOf(request), request.body.text)),
    );

    scope.get(
      `${books}/account-holders/:accountHolderId`,
      {
        schema: {
          tags,
          summary: "One account holder, masked, with its accounts",
          params: BooksPath.extend({ accountHolderId: z.uuid() }),
          response: { 200: OverseenHolderDetails, ...failures },
        },
      },
      async (request) => {
        const { accountHolderId } = request.params;
        const { holder, accounts } = await lookAtHolder(
          deps,
          user.of(request),
          lookOf(request),
          accountHolderId,
        );
        return {
          ...holderView(holder),
          kycUpdatedAt: holder.association.kycUpdatedAt.toISOString(),
          kycExpiresAt: holder.association.kycExpiresAt.toISOString(),
          accounts: accounts.map(accountView),
        };
      },
    );

    scope.get(
      `${books}/accounts`,
      {
        schema: {
          tags,
          summary: "A fintech's accounts with their balances, latest first",
          params: BooksPath,
          querystring: Page,
          response: { 200: OverseenAccountList, ...failures },
        },
      },
      async (request) => {
        const place = request.query.cursor === undefined ? null : placeOf(request.query.cursor, uuid);
        const { accounts, next } = await lookAtAccounts(deps, user.of(request), lookOf(request), {
          after: place && { createdAt: place.at, accountId: place.id as AccountId },
          limit: pageSize,
        });
        return {
          accounts: accounts.map(accountView),
          nextCursor: next && cursorOf(next.createdAt, next.accountId),
        };
      },
    );

    scope.get(
      `${books}/accounts/:accountId`,
      {
        schema: {
          tags,
          summary: "One account with its transactions, latest first",
          params: BooksPath.extend({ accountId: z.uuid() }),
          querystring: Page,
          response: { 200: OverseenAccountDetails, ...failures },
        },
      },
      async (request) => {
        const { account, transactions, next } = await lookAtAccount(deps, user.of(request), lookOf(request), {
          accountId: request.params.accountId,
          below: request.query.cursor === undefined ? null : numberOf(request.query.cursor),
          limit: pageSize,
        });
        return {
          ...accountView(account),
          transactionList: transactions.map(transactionView),
          nextCursor: next?.toString() ?? null,
        };
      },
    );

    scope.get(
      `${books}/transfers`,
      {
        schema: {
          tags,
          summary: "A fintech's transfers, latest first, or the one that is named",
          params: BooksPath,
          querystring: Page.extend({
            search: TransferSearch.optional().describe("A `requestID` or `transferID`, in full."),
          }),
          response: { 200: OverseenTransferList, ...failures },
        },
      },
      async (request) => {
        const { search, cursor } = request.query;
        const actor = user.of(request);
        const page =
          search === undefined
            ? await lookAtTransfers(deps, actor, lookOf(request), {
                below: cursor === undefined ? null : numberOf(cursor),
                limit: pageSize,
              })
            : await searchTransfers(deps, actor, lookOf(request), search);
        return {
          transfers: page.transfers.map(transferView),
          nextCursor: page.next?.toString() ?? null,
        };
      },
    );

    scope.get(
      `${books}/transfers/:transferId`,
      {
        schema: {
          tags,
          summary: "One transfer",
          params: BooksPath.extend({ transferId: TransferSearch }),
          response: { 200: OverseenTransfer, ...failures },
        },
      },
      async (request) =>
        transferView(
          await lookAtTransfer(deps, user.of(request), lookOf(request), request.params.transferId),
        ),
    );

    scope.get(
      `${consoleApi}/team-activity`,
      {
        schema: {
          tags,
          summary: "What the Fusion team did to your fintech and looked at there; for its admins",
          querystring: Page,
          response: { 200: TeamActivity, 400: Problem, 401: Problem, 403: Problem, 503: Problem },
        },
      },
      async (request) => {
        const { cursor } = request.query;
        const place = cursor === undefined ? null : placeOf(cursor, /^aud_[0-9A-Za-z]{1,40}$/);
        const { entries, next } = await listTeamActivity(deps, user.of(request), {
          after: place && { at: place.at, entryId: place.id },
          limit: pageSize,
        });
        return { entries: entries.map(entryView), nextCursor: next && cursorOf(next.at, next.entryId) };
      },
    );
  });
}

function lookOf(request: FastifyRequest): Look {
  // Parsed by the route's schema.
  const { fintechId, environment } = request.params as z.infer<typeof BooksPath>;
  return { fintechId, environment, requestId: request.id };
}

function holderPageView({ holders, next }: HolderPage): OverseenHolderList {
  return {
    accountHolders: holders.map(holderView),
    nextCursor: next && cursorOf(next.createdAt, next.accountHolderId),
  };
}
