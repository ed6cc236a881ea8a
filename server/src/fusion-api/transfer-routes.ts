import { FusionError, fusionErrors, IfiPath, RequestMismatch } from "@fusion/contract/fusion/common.ts";
import {
  CreateTransfer,
  Transfer,
  TransferByRequest,
  TransferPath,
  transferLosslessPaths,
} from "@fusion/contract/fusion/transfers.ts";
import { type PostedTransfer, transferIdOf } from "../ledger/posted-transfer.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { Random } from "../platform/random.ts";
import type { TransferBatcher } from "../transfers/batcher.ts";
import { createBoundedTransfer } from "../transfers/create-reversal.ts";
import { createTransfer } from "../transfers/create-transfer.ts";
import { getTransfer, getTransferByRequestId } from "../transfers/get-transfer.ts";
import { callerOf } from "./fusion-api.ts";

const tags = ["Transfers"];

/** Account-to-account transfers (wire contract, section 6), and our extension to look one up again (wire contract, section 6.3). */
export function registerTransferRoutes(
  v1: HttpServer,
  deps: { readonly db: Database; readonly batcher: TransferBatcher; readonly random: Random },
): void {
  v1.post(
    "/transfers",
    {
      schema: {
        summary: "Move money from one account to another",
        description:
          "Synchronous: when the answer is SUCCESS, both balances have changed and it is on disk. Repeat the call with the same requestID when an answer was lost: money moves once. The same requestID with another account, amount, currency or transfer code is refused with 409 REQUEST_MISMATCH. A refused transfer may be repeated with its requestID.\n\nA code that ends in -REVERSAL undoes an earlier transfer: send the accounts the other way round, the original's code with -REVERSAL behind it and the original's transferID as attributes.originalTransferID (else the newest with exactly as much left is meant, or the newest with more); in parts if you like, never more than it moved.",
        tags,
        params: IfiPath,
        body: CreateTransfer,
        response: {
          200: Transfer,
          ...fusionErrors,
          403: FusionError.describe(
            "LE400008 insufficient balance, LE400024 currency mismatch, LE400025 account disabled, LE400026 nothing to reverse, LE400030 more than is left to reverse, FU4003 not permitted.",
          ),
          404: FusionError.describe(
            "One of the accounts does not exist or is not yours; the message names it.",
          ),
          409: RequestMismatch,
          503: FusionError.describe(
            "Nothing was done, unless the code is transfer_outcome_unknown: repeat with the requestID in details.",
          ),
        },
      },
      config: {
        requiredScope: "transfers:write",
        losslessPaths: transferLosslessPaths,
      },
    },
    async (request) => {
      const { requestID, amount, debitAccountID, creditAccountID, transferCode, remarks, attributes } =
        request.body;
      const principal = callerOf(request);
      const input = {
        requestId: requestID,
        debitAccountId: debitAccountID,
        creditAccountId: creditAccountID,
        amountMinor: amount.amount,
        currency: amount.currency,
        transferCode,
        remarks: remarks ?? "",
        attributes: attributes ?? {},
      };
      const transfer = await createBoundedTransfer(deps, principal, input, () =>
        createTransfer(deps, principal, input),
      );
      return viewTransfer(transfer);
    },
  );

  v1.get(
    "/transfers/:transferID",
    {
      schema: {
        summary: "Look up a transfer",
        description:
          "Our extension of the Fusion API. The bank's funding of your account is one too; its debitAccountID is the bank's own account, of which you see nothing else.",
        tags,
        params: TransferPath,
        response: { 200: Transfer, ...fusionErrors },
      },
      config: { requiredScope: "transfers:read" },
    },
    async (request) => viewTransfer(await getTransfer(deps, callerOf(request), request.params.transferID)),
  );

  v1.get(
    "/transfers",
    {
      schema: {
        summary: "Look up a transfer by its requestID",
        description:
          "Our extension of the Fusion API: how to learn, after a lost answer, whether the money moved. What is found has moved for good; 404 means that it has not moved, unless the request is still on its way.",
        tags,
        params: IfiPath,
        querystring: TransferByRequest,
        response: { 200: Transfer, ...fusionErrors },
      },
      config: { requiredScope: "transfers:read" },
    },
    async (request) =>
      viewTransfer(await getTransferByRequestId(deps, callerOf(request), request.query.requestID)),
  );
}

function viewTransfer(transfer: PostedTransfer): Transfer {
  return {
    requestID: transfer.requestId,
    transferID: transferIdOf(transfer),
    status: "SUCCESS",
    amount: { currency: transfer.currency, amount: Number(transfer.amountMinor) },
    transferCode: transfer.transferCode,
    debitAccountID: transfer.debitAccountId,
    creditAccountID: transfer.creditAccountId,
    remarks: transfer.remarks,
    attributes: transfer.attributes,
    timestamp: transfer.postedAt.getTime(),
  };
}
