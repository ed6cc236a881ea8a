import type { OverseenFintech } from "@fusion/contract/oversight.ts";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { useShown } from "../../lib/use-shown.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { EmptyState, ErrorState, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import classes from "./oversight.module.css";
import { fintechsQuery } from "./oversight-queries.ts";

const columns: Column<OverseenFintech>[] = [
  {
    key: "name",
    header: "Fintech",
    onPhone: "lead",
    cell: ({ name, suspended }) => (
      <span className={classes.name}>
        {name}
        {suspended && <StatusBadge tone="ended">Suspended</StatusBadge>}
      </span>
    ),
  },
  { key: "ifi", header: "IFI", cell: ({ ifiId }) => <Mono>{ifiId}</Mono> },
  { key: "client", header: "Client id", cell: ({ clientId }) => <Mono>{clientId}</Mono> },
  {
    key: "books",
    header: "Books",
    cell: ({ fintechId, name }) => (
      <span className={classes.links}>
        {(["live", "sandbox"] as const).map((environment) => (
          <Link
            key={environment}
            to={paths.bookHolders}
            params={{ fintechId, environment }}
            aria-label={`${environment} books of ${name}`}
          >
            <EnvironmentBadge environment={environment} /> books
          </Link>
        ))}
      </span>
    ),
  },
  {
    key: "reminders",
    header: "Reminders",
    cell: ({ fintechId, name }) => (
      <Link to={paths.reminders} search={{ fintech: fintechId }} aria-label={`Reminders of ${name}`}>
        Reminders
      </Link>
    ),
  },
];

/** Where the Fusion team chooses whose books to look into. */
export function FintechListPage(): ReactElement {
  const query = useQuery(fintechsQuery);
  const { error, isPending, refetch } = query;
  const data = useShown(query);
  return (
    <>
      <PageHeader
        title="Fintechs"
        lead="Account holders, accounts and transfers of a fintech, read-only. What you open is recorded, and the fintech's admins see it."
      />
      {isPending ? (
        <RowsSkeleton label="Loading the fintechs" />
      ) : data ? (
        <>
          <StaleSign of={query} />
          {data.fintechs.length === 0 ? (
            <EmptyState title="No fintechs yet">
              They are made at the server: a bank by <Mono>fusion ifi create</Mono>, then its fintechs by{" "}
              <Mono>fusion fintech create</Mono>.
            </EmptyState>
          ) : (
            <DataTable
              caption="Fintechs"
              columns={columns}
              rows={data.fintechs}
              rowKey={({ fintechId }) => fintechId}
            />
          )}
        </>
      ) : (
        <ErrorState error={error} onRetry={() => void refetch()} />
      )}
    </>
  );
}
