import type { OverseenFintech } from "@fusion/contract/oversight.ts";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useParams } from "@tanstack/react-router";
import { Fragment, type ReactElement, type ReactNode } from "react";
import { paths } from "../../lib/paths.ts";
import { EnvironmentBadge, EnvironmentRule } from "../../ui/environment-badge.tsx";
import { LinkButton } from "../../ui/link-button.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { TabLink, TabLinks } from "../../ui/tab-links.tsx";
import { type Books, fintechsQuery } from "./oversight-queries.ts";

const recordedNote = "Read-only. What you open here is recorded, and the fintech's admins see it.";

const lists = {
  holders: { to: paths.bookHolders, words: "Account holders" },
  accounts: { to: paths.bookAccounts, words: "Accounts" },
  transfers: { to: paths.bookTransfers, words: "Transfers" },
} as const;

/** Whose books are open, read from the address. The router has checked the environment. */
export function useBooks(): Books {
  const { fintechId = "", environment } = useParams({ strict: false });
  return { fintechId, environment: environment === "live" ? "live" : "sandbox" };
}

function useFintech(books: Books): OverseenFintech | undefined {
  const { data } = useQuery(fintechsQuery);
  return data?.fintechs.find(({ fintechId }) => fintechId === books.fintechId);
}

/** What the lists of one fintech's books share. Each environment has a list of its own, which starts without a search. */
export function BooksFrame({ children }: { children: (books: Books) => ReactNode }): ReactElement {
  const books = useBooks();
  const fintech = useFintech(books);
  const { pathname } = useLocation();
  const other = books.environment === "live" ? "sandbox" : "live";
  const open = pathname.split("/")[4];
  const list = open === "accounts" ? lists.accounts : open === "transfers" ? lists.transfers : lists.holders;
  return (
    <>
      <EnvironmentRule environment={books.environment} />
      <PageHeader
        title={fintech?.name ?? "Fintech"}
        tab={`${list.words}, ${books.environment}`}
        above={<Link to={paths.fintechs}>Fintechs</Link>}
        badges={
          <>
            <EnvironmentBadge environment={books.environment} />
            {fintech?.suspended && <StatusBadge tone="ended">Suspended</StatusBadge>}
          </>
        }
        lead={
          <>
            {fintech && (
              <>
                IFI <Mono>{fintech.ifiId}</Mono>.{" "}
              </>
            )}
            {recordedNote}
          </>
        }
        actions={
          <LinkButton variant="default" to={list.to} params={{ ...books, environment: other }}>
            Switch to {other}
          </LinkButton>
        }
      />
      <TabLinks label="Books of this fintech">
        {Object.values(lists).map(({ to, words }) => (
          <TabLink key={to} to={to} params={{ ...books }}>
            {words}
          </TabLink>
        ))}
      </TabLinks>
      <Fragment key={`${books.fintechId} ${books.environment}`}>{children(books)}</Fragment>
    </>
  );
}

/** What the pages of one object have in common: the way back to its list. */
export function BookEntryFrame(props: {
  list: keyof typeof lists;
  title: string;
  children: ReactNode;
}): ReactElement {
  const books = useBooks();
  const { to, words } = lists[props.list];
  return (
    <>
      <EnvironmentRule environment={books.environment} />
      <PageHeader
        title={props.title}
        tab={books.environment}
        above={
          <>
            <Link to={paths.fintechs}>Fintechs</Link>
            {" / "}
            <Link to={to} params={{ ...books }}>
              {useFintech(books)?.name ?? "Fintech"}, {words.toLowerCase()}
            </Link>
          </>
        }
        badges={<EnvironmentBadge environment={books.environment} />}
        lead={recordedNote}
      />
      {props.children}
    </>
  );
}
