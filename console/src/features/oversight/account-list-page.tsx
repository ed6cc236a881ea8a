import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { PagedList } from "../../ui/paged-list.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { AccountTable } from "./account-table.tsx";
import { BooksFrame, useBooks } from "./books-frame.tsx";
import { accountsQuery } from "./oversight-queries.ts";

/** A fintech's accounts, its own funding accounts included, newest first. */
export function AccountListPage(): ReactElement {
  const books = useBooks();
  const list = useInfiniteQuery(accountsQuery(books));
  const accounts = list.data?.pages.flatMap((page) => page.accounts) ?? [];
  return (
    <BooksFrame>
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
    </BooksFrame>
  );
}
