import type { Person } from "@fusion/contract/login.ts";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { readableAddress } from "../../lib/address.ts";
import { isProblem } from "../../lib/api.ts";
import { roleWords } from "../../lib/role-words.ts";
import { isOperator, useSession } from "../../lib/session.ts";
import { BouncedBadge } from "../../ui/bounced-badge.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { EmptyState, ErrorState, RowsSkeleton } from "../../ui/states.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { AccessDialog } from "./access-dialog.tsx";
import { AddPersonDialog } from "./add-person-dialog.tsx";
import { EndAccess } from "./end-access.tsx";
import classes from "./people.module.css";
import { peopleQuery } from "./people-queries.ts";
import { WaitingResets } from "./waiting-resets.tsx";

const columnsFor = (showsFintech: boolean): Column<Person>[] => [
  {
    key: "name",
    header: "Name",
    onPhone: "lead",
    cell: (person) => (
      <span className={classes.name}>
        {person.name}
        {showsFintech && <span className={classes.soft}>{person.fintechName ?? "Fusion team"}</span>}
        {person.disabledAt !== null && <StatusBadge tone="ended">Access ended</StatusBadge>}
        {person.disabledAt === null && !person.passwordSet && (
          <StatusBadge tone="soon">Not logged in yet</StatusBadge>
        )}
      </span>
    ),
  },
  { key: "role", header: "Role", whole: true, cell: (person) => roleWords[person.role].name },
  {
    key: "identities",
    header: "Logs in with",
    cell: (person) => (
      <ul className={classes.list}>
        {person.identities.map((identity) => (
          <li key={identity.address}>
            <span className={classes.address}>{readableAddress(identity.address)}</span>{" "}
            <BouncedBadge of={identity} />
          </li>
        ))}
      </ul>
    ),
  },
  { key: "access", header: "Access", cell: (person) => <Access person={person} /> },
  {
    key: "seen",
    header: "Last seen",
    whole: true,
    cell: ({ lastSeenAt, passwordSet }) => {
      if (lastSeenAt !== null) return <RelativeTime instant={lastSeenAt} />;
      // Sessions are kept for 30 days after their end.
      return passwordSet ? "Over 30 days ago" : "Never";
    },
  },
];

const changeColumn = (changes: {
  readonly mayEnd: (person: Person) => boolean;
  readonly onEnd: (person: Person) => void;
  readonly onAccess: (person: Person) => void;
}): Column<Person> => ({
  key: "change",
  header: "Change",
  // Controls need no header on a card. A person who cannot be changed has no controls.
  onPhone: "foot",
  cell: (person) =>
    changes.mayEnd(person) ? (
      <span className={classes.change}>
        {person.role === "fintech_member" && (
          <Button
            size="xs"
            variant="default"
            onClick={() => changes.onAccess(person)}
            aria-label={`Change access of ${person.name}`}
          >
            Change access
          </Button>
        )}
        <Button
          size="xs"
          variant="default"
          onClick={() => changes.onEnd(person)}
          aria-label={`End access of ${person.name}`}
        >
          End access
        </Button>
      </span>
    ) : null,
});

/**
 * People with their roles and access; those who wait for a new password come first. Admins add people, open applications to them and end
 * their access.
 */
export function PeoplePage() {
  const session = useSession();
  const [adding, setAdding] = useState(false);
  const [ending, setEnding] = useState<Person>();
  const [opening, setOpening] = useState<string>();
  const isAdmin = session.user.role.endsWith("_admin");
  const mayEnd = (person: Person) => person.disabledAt === null && person.userId !== session.user.userId;
  const list = useQuery(peopleQuery);
  const people = list.data?.people ?? [];
  // Read from the current list, since each change of access refetches it.
  const opened = people.find(({ userId }) => userId === opening);
  return (
    <div>
      <PageHeader
        title="People"
        lead={
          isOperator(session)
            ? "Everyone with access to this console. A fintech's people are added by its admins, or by the operator's command line."
            : "Everyone of your fintech. Its admins add people, open applications to them and end their access, and so does the Fusion team."
        }
        actions={isAdmin && list.data && <Button onClick={() => setAdding(true)}>Add a person</Button>}
      />
      {list.isPending && <RowsSkeleton rows={4} label="Loading people" />}
      {list.isError &&
        (isProblem(list.error, "role_insufficient") ? (
          <EmptyState title="Only admins see this page">
            Ask an admin of your fintech if you need to know who has access.
          </EmptyState>
        ) : (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ))}
      {list.data && (
        <>
          <WaitingResets
            people={people.filter((person) => person.resetRequestedAt !== null)}
            ownUserId={session.user.userId}
            mayApprove={session.user.role !== "operator_viewer"}
          />
          <DataTable
            caption="People"
            columns={[
              ...columnsFor(isOperator(session)),
              ...(isAdmin
                ? [
                    changeColumn({
                      mayEnd,
                      onEnd: setEnding,
                      onAccess: ({ userId }) => setOpening(userId),
                    }),
                  ]
                : []),
            ]}
            rows={people}
            rowKey={(person) => person.userId}
          />
          {adding && <AddPersonDialog onAdded={setOpening} onClose={() => setAdding(false)} />}
          {opened && <AccessDialog person={opened} onClose={() => setOpening(undefined)} />}
          {ending && <EndAccess person={ending} onClose={() => setEnding(undefined)} />}
        </>
      )}
    </div>
  );
}

function Access({ person }: { person: Person }) {
  if (person.role.startsWith("operator_")) return "All fintechs";
  if (person.role === "fintech_admin") return "All applications";
  if (person.access.length === 0) return "No application yet";
  return (
    <ul className={classes.list}>
      {person.access.map((access) => (
        <li key={access.applicationId}>
          {access.applicationName} <span className={classes.soft}>{access.environment}</span>, may{" "}
          {access.level}
        </li>
      ))}
    </ul>
  );
}
