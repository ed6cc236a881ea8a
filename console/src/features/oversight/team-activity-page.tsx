import type { TeamActivity } from "@fusion/contract/oversight.ts";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { useSession } from "../../lib/session.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { PagedList } from "../../ui/paged-list.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { EmptyState } from "../../ui/states.tsx";
import classes from "./oversight.module.css";
import { teamActivityQuery } from "./oversight-queries.ts";
import { actionWords } from "./team-words.ts";

type Entry = TeamActivity["entries"][number];

const columnsFor = (fintechId: string | undefined): Column<Entry>[] => [
  {
    key: "what",
    header: "What",
    onPhone: "lead",
    cell: (entry) => (
      <div className={classes.two}>
        <span>{actionWords(entry.action)}</span>
        {/* For an entry about the fintech as a whole, the id says nothing to its own people. */}
        {entry.objectId !== fintechId && (
          <span className={classes.soft}>
            <Concerned entry={entry} />
          </span>
        )}
      </div>
    ),
  },
  {
    key: "environment",
    header: "Environment",
    cell: ({ environment }) => (environment === null ? null : <EnvironmentBadge environment={environment} />),
  },
  { key: "who", header: "Who", cell: ({ actor }) => actor },
  { key: "when", header: "When", cell: ({ at }) => <ExactTime instant={at} /> },
];

/**
 * What an entry is about: its name, with a link to its page if it has one. Anything without a name here, such as a customer's account,
 * shows its id.
 */
function Concerned({ entry }: { entry: Entry }): ReactElement {
  const { objectKind, objectId, objectName, application } = entry;
  if (objectName === null) return <Mono>{objectId}</Mono>;
  const params = { applicationId: application?.applicationId ?? "" };
  const applicationLink = application !== null && (
    <Link to={paths.application} params={params}>
      {application.name}
    </Link>
  );
  if (objectKind === "application") return <>{applicationLink}</>;
  const name =
    objectKind === "token" ? (
      <Link to={paths.token} params={{ ...params, tokenId: objectId }}>
        {objectName}
      </Link>
    ) : (
      objectName
    );
  return (
    <>
      {name}
      {applicationLink && <> · {applicationLink}</>}
    </>
  );
}

/** What the Fusion team did to the person's own fintech and looked at there. */
export function TeamActivityPage(): ReactElement {
  const session = useSession();
  const list = useInfiniteQuery(teamActivityQuery);
  const entries = list.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      <PageHeader
        title="Fusion team"
        lead="What the Fusion team changed for your fintech, and what of your books they looked at. They see PAN and Aadhaar numbers, phones and emails masked. The same person looking at the same thing again within a quarter of an hour is one entry."
      />
      <PagedList
        list={list}
        label="Loading what the Fusion team did"
        count={entries.length}
        empty={<EmptyState title="Nothing yet">Nobody of the Fusion team has done anything here.</EmptyState>}
      >
        <DataTable
          caption="What the Fusion team did, latest first"
          columns={columnsFor(session.fintech?.fintechId)}
          rows={entries}
          rowKey={({ entryId }) => entryId}
        />
      </PagedList>
    </>
  );
}
