import type { OverseenHolder } from "@fusion/contract/oversight.ts";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PagedList } from "../../ui/paged-list.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { BooksFrame } from "./books-frame.tsx";
import { FindForm } from "./find-form.tsx";
import { Identities, KycBadge, nameWords } from "./holder-facts.tsx";
import classes from "./oversight.module.css";
import { type Books, findHolder, holdersQuery } from "./oversight-queries.ts";

/** A fintech's account holders, newest first, and a field to find one of them. */
export function HolderListPage(): ReactElement {
  return <BooksFrame>{(books) => <HolderList books={books} />}</BooksFrame>;
}

function HolderList({ books }: { books: Books }): ReactElement {
  const list = useInfiniteQuery(holdersQuery(books));
  const holders = list.data?.pages.flatMap((page) => page.accountHolders) ?? [];
  const navigate = useNavigate();
  const finding = useMutation({ mutationFn: (text: string) => findHolder(books, text) });
  return (
    <>
      <FindForm
        label="Find an account holder"
        description="Account holder id, phone in full, or account id"
        finding={finding}
        onFound={({ accountHolderId }) =>
          void navigate({ to: paths.bookHolder, params: { ...books, accountHolderId } })
        }
        nothing="It must be of this fintech and environment, and in full. PAN and Aadhaar numbers cannot be searched."
      />
      <PagedList
        list={list}
        label="Loading the account holders"
        count={holders.length}
        empty={
          <EmptyState title="No account holders yet">
            This fintech has submitted nobody in this environment.
          </EmptyState>
        }
      >
        <HolderTable books={books} holders={holders} />
      </PagedList>
    </>
  );
}

function HolderTable(props: { books: Books; holders: readonly OverseenHolder[] }): ReactElement {
  const columns: Column<OverseenHolder>[] = [
    {
      key: "holder",
      header: "Account holder",
      onPhone: "lead",
      cell: (holder) => (
        <div className={classes.two}>
          <Link
            to={paths.bookHolder}
            params={{ ...props.books, accountHolderId: holder.accountHolderId }}
            data-row-link
          >
            {nameWords(holder.name)}
          </Link>
          <span className={classes.soft}>
            <Mono>{holder.accountHolderId}</Mono>
          </span>
        </div>
      ),
    },
    { key: "identities", header: "Identities", cell: (holder) => <Identities of={holder} /> },
    { key: "kyc", header: "KYC", cell: (holder) => <KycBadge status={holder.kycStatus} /> },
    { key: "created", header: "Since", cell: (holder) => <RelativeTime instant={holder.createdAt} /> },
  ];
  return (
    <DataTable
      caption="Account holders, latest first"
      columns={columns}
      rows={props.holders}
      rowKey={({ accountHolderId }) => accountHolderId}
      linked
    />
  );
}
