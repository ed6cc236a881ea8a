import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { PagedList } from "../../ui/paged-list.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { AccountTable } from "./account-table.tsx";
import { BooksFrame } from "./books-frame.tsx";
import { accountsQuery, type Books } from "./oversight-queries.ts";

/** A fintech's accounts, its own funding accounts included, newest first. */
export function AccountListPage(): ReactElement {
  return <BooksFrame>{(books) => <AccountList books={books} />}</BooksFrame>;
}

function AccountList({ books }: { books: Books }): ReactElement {
  const list = useInfiniteQuery(accountsQuery(books));
  const accounts = list.data?.pages.flatMap((page) => page.accounts) ?? [];
  return (
    <PagedList
      list={list}
      label="Loading the accounts"
      count={accounts.length}
      empty={
        <EmptyState title="No accounts yet">
          This fintech has no account in this environment, not even one that the bank funds.
        </EmptyState>
      }
    >
      <AccountTable books={books} accounts={accounts} />
    </PagedList>
  );
}
