import type { OverseenTransfer } from "@fusion/contract/oversight.ts";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { formatMinor } from "../../lib/money.ts";
import { paths } from "../../lib/paths.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PagedList } from "../../ui/paged-list.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { BooksFrame } from "./books-frame.tsx";
import { FindForm } from "./find-form.tsx";
import classes from "./oversight.module.css";
import { type Books, findTransfer, transfersQuery } from "./oversight-queries.ts";
import { kindWords, sideWords } from "./transfer-words.ts";

/** A fintech's transfers, newest first, and a field to find one of them. */
export function TransferListPage(): ReactElement {
  return <BooksFrame>{(books) => <TransferList books={books} />}</BooksFrame>;
}

function TransferList({ books }: { books: Books }): ReactElement {
  const list = useInfiniteQuery(transfersQuery(books));
  const transfers = list.data?.pages.flatMap((page) => page.transfers) ?? [];
  const navigate = useNavigate();
  const finding = useMutation({ mutationFn: (text: string) => findTransfer(books, text) });
  return (
    <>
      <FindForm
        label="Find a transfer"
        description="requestID or transferID, in full"
        finding={finding}
        onFound={({ transferId }) =>
          void navigate({ to: paths.bookTransfer, params: { ...books, transferId } })
        }
        nothing="It must be of this fintech and environment, and in full. A refused transfer leaves none: the application's API activity says why it was refused."
      />
      <PagedList
        list={list}
        label="Loading the transfers"
        count={transfers.length}
        empty={
          list.hasNextPage ? (
            <p className={classes.none}>
              None of the latest transfers of all fintechs is in these books. Show more to look further back.
            </p>
          ) : (
            <EmptyState title="No transfers yet">
              This fintech has moved no money in this environment.
            </EmptyState>
          )
        }
      >
        <DataTable
          caption="Transfers, latest first"
          columns={columnsFor(books)}
          rows={transfers}
          rowKey={({ transferId }) => transferId}
          linked
        />
      </PagedList>
    </>
  );
}

const columnsFor = (books: Books): Column<OverseenTransfer>[] => [
  {
    key: "transfer",
    header: "Transfer",
    onPhone: "lead",
    cell: (transfer) => (
      <div className={classes.two}>
        <Link to={paths.bookTransfer} params={{ ...books, transferId: transfer.transferId }} data-row-link>
          {transfer.remarks === "" ? kindWords(transfer) : transfer.remarks}
        </Link>
        <span className={classes.soft}>
          <Mono>{transfer.requestId}</Mono>
        </span>
      </div>
    ),
  },
  { key: "from", header: "From", cell: ({ debit }) => sideWords(debit) },
  { key: "to", header: "To", cell: ({ credit }) => sideWords(credit) },
  { key: "at", header: "When", cell: ({ postedAt }) => <ExactTime instant={postedAt} /> },
  {
    key: "amount",
    header: "Amount",
    align: "right",
    cell: ({ amountMinor, currency }) => (
      <span className={classes.amount}>
        <Mono>{formatMinor(amountMinor, currency)}</Mono>
      </span>
    ),
  },
];
