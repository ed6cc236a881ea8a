import type { OverseenAccountDetails, OverseenTransaction } from "@fusion/contract/oversight.ts";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { formatMinor } from "../../lib/money.ts";
import { paths } from "../../lib/paths.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Fact, Facts, IdFact } from "../../ui/facts.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PagedList } from "../../ui/paged-list.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { AccountBadge } from "./account-table.tsx";
import { BookEntryFrame, useBooks } from "./books-frame.tsx";
import { nameWords } from "./holder-facts.tsx";
import classes from "./oversight.module.css";
import { accountQuery, type Books } from "./oversight-queries.ts";

/** One account with its balance and its transactions, newest first. */
export function AccountPage(): ReactElement {
  const books = useBooks();
  const { accountId } = useParams({ from: `/frame${paths.bookAccount}` });
  const list = useInfiniteQuery(accountQuery(books, accountId));
  const account = list.data?.pages[0];
  const transactions = list.data?.pages.flatMap((page) => page.transactionList) ?? [];
  return (
    <BookEntryFrame list="accounts" title={account?.name ?? "Account"}>
      {account && <AccountFacts books={books} account={account} />}
      {account && <h2 className={classes.heading}>Transactions</h2>}
      <PagedList
        list={list}
        label="Loading the account"
        count={transactions.length}
        empty={<p className={classes.none}>Nothing was ever posted here.</p>}
      >
        <DataTable
          caption="Transactions, latest first"
          columns={columnsFor(books, account?.currency ?? "INR")}
          rows={transactions}
          rowKey={({ transactionId }) => transactionId}
          linked
        />
      </PagedList>
    </BookEntryFrame>
  );
}

function AccountFacts({ books, account }: { books: Books; account: OverseenAccountDetails }): ReactElement {
  const { accountHolderId, accountHolderName } = account;
  return (
    <Facts>
      <Fact name="Balance">
        <span className={classes.figure}>{formatMinor(account.balanceMinor, account.currency)}</span>
      </Fact>
      <Fact name="Account holder">
        {accountHolderId === null ? (
          "The fintech itself: a funding account"
        ) : (
          <Link to={paths.bookHolder} params={{ ...books, accountHolderId }}>
            {nameWords(accountHolderName ?? "")}
          </Link>
        )}
      </Fact>
      <Fact name="Status">
        <AccountBadge status={account.status} />
      </Fact>
      <Fact name="Transactions">
        <span className="figures">{account.transactions.toLocaleString("en-IN")}</span>
      </Fact>
      <Fact name="Opened">
        <ExactTime instant={account.createdAt} />
      </Fact>
      <IdFact name="Account id" id={account.accountId} />
    </Facts>
  );
}

const columnsFor = (books: Books, currency: string): Column<OverseenTransaction>[] => [
  {
    key: "transaction",
    header: "Transaction",
    onPhone: "lead",
    cell: ({ transactionId, transferId, remarks }) => (
      <div className={classes.two}>
        <Link to={paths.bookTransfer} params={{ ...books, transferId }} data-row-link>
          {remarks === "" ? "No remarks" : remarks}
        </Link>
        <span className={classes.soft}>
          <Mono>{transactionId}</Mono>
        </span>
      </div>
    ),
  },
  { key: "at", header: "When", cell: ({ postedAt }) => <ExactTime instant={postedAt} /> },
  {
    key: "amount",
    header: "Amount",
    align: "right",
    cell: ({ amountMinor }) => (
      <span className={classes.amount}>
        <Mono>
          {amountMinor.startsWith("-") ? "" : "+"}
          {formatMinor(amountMinor, currency)}
        </Mono>
      </span>
    ),
  },
  {
    key: "balance",
    header: "Balance after",
    align: "right",
    cell: ({ balanceAfterMinor }) => (
      <span className={classes.amount}>
        <Mono>{formatMinor(balanceAfterMinor, currency)}</Mono>
      </span>
    ),
  },
];
