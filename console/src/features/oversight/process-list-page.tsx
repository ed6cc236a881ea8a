import type { ProcessList } from "@fusion/contract/oversight.ts";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { useShown } from "../../lib/use-shown.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { ErrorState, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import classes from "./oversight.module.css";
import { processesQuery } from "./oversight-queries.ts";

type Process = ProcessList["processes"][number];

const stateWords = {
  current: { tone: "good", words: "Current" },
  behind: { tone: "soon", words: "Behind" },
  silent: { tone: "ended", words: "Silent" },
} as const;

const columns: Column<Process>[] = [
  {
    key: "name",
    header: "Process",
    onPhone: "lead",
    cell: ({ name, nodeId }) => (
      <span className={classes.name}>
        {name} <Mono>{nodeId}</Mono>
      </span>
    ),
  },
  {
    key: "state",
    header: "State",
    cell: ({ state }) => <StatusBadge tone={stateWords[state].tone}>{stateWords[state].words}</StatusBadge>,
  },
  {
    key: "renewed",
    header: "Lease renewed",
    align: "right",
    cell: ({ secondsSinceRenewal }) => (
      <span className="figures">{secondsSinceRenewal.toFixed(1)} s ago</span>
    ),
  },
  {
    key: "epoch",
    header: "Knows change",
    align: "right",
    cell: ({ acknowledgedEpoch }) => (
      <span className="figures">{acknowledgedEpoch.toLocaleString("en-IN")}</span>
    ),
  },
  {
    key: "started",
    header: "Started",
    align: "right",
    cell: ({ startedAt }) => <ExactTime instant={startedAt} />,
  },
];

/** Whether every process that answers for tokens knows of every revocation, as the Fusion team sees it. */
export function ProcessListPage(): ReactElement {
  const query = useQuery(processesQuery);
  const { error, isPending, refetch } = query;
  const data = useShown(query);
  return (
    <>
      <PageHeader
        title="Processes"
        lead={
          data
            ? `Every process that answers for tokens. The latest change is number ${data.epoch.toLocaleString("en-IN")}; a revocation waits for each process, at most 2.2 seconds for one that is silent.`
            : "Every process that answers for tokens."
        }
      />
      {isPending ? (
        <RowsSkeleton label="Loading the processes" />
      ) : data ? (
        <>
          <StaleSign of={query} />
          <DataTable
            caption="Processes"
            columns={columns}
            rows={data.processes}
            rowKey={({ nodeId }) => nodeId}
          />
        </>
      ) : (
        <ErrorState error={error} onRetry={() => void refetch()} />
      )}
    </>
  );
}
