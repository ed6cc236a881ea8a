import type { SessionList } from "@fusion/contract/login.ts";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { browserName } from "../../lib/browser-name.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Mono } from "../../ui/mono.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { ErrorState, RowsSkeleton } from "../../ui/states.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { useToast } from "../../ui/toasts.tsx";
import classes from "./account.module.css";
import { sessionsQuery, useEndSessions } from "./account-queries.ts";

type Session = SessionList["sessions"][number];

/** The browsers in which the person is logged in; each of the others can be ended, or all at once. */
export function SessionsSection() {
  const list = useQuery(sessionsQuery);
  const end = useEndSessions();
  const toast = useToast();
  const others = list.data?.sessions.filter((session) => !session.current) ?? [];

  function endThese(which: readonly string[] | "others", words: string): void {
    end.mutate(which, { onSuccess: () => toast(words) });
  }

  const columns: Column<Session>[] = [
    {
      key: "browser",
      header: "Browser",
      onPhone: "lead",
      cell: (session) => (
        <span className={classes.browser}>
          {browserName(session.userAgent)}
          {session.current && <StatusBadge tone="good">This one</StatusBadge>}
        </span>
      ),
    },
    { key: "ip", header: "Address", cell: (session) => <Mono>{session.ip}</Mono> },
    { key: "since", header: "Logged in", cell: (session) => <RelativeTime instant={session.createdAt} /> },
    { key: "seen", header: "Last seen", cell: (session) => <RelativeTime instant={session.lastSeenAt} /> },
    {
      key: "end",
      header: "End",
      headerHidden: true,
      align: "right",
      onPhone: "foot",
      cell: (session) =>
        session.current ? null : (
          <Button
            variant="default"
            size="xs"
            disabled={end.isPending}
            onClick={() =>
              endThese([session.sessionId], `Session in ${browserName(session.userAgent)} ended.`)
            }
            aria-label={`End the session in ${browserName(session.userAgent)} from ${session.ip}`}
          >
            End
          </Button>
        ),
    },
  ];

  return (
    <section className={classes.section} aria-labelledby="sessions">
      <div className={classes.head}>
        <h2 id="sessions">Where you are logged in</h2>
        {others.length > 1 && (
          <Button
            variant="default"
            size="xs"
            loading={end.isPending}
            onClick={() => endThese("others", "All other sessions ended.")}
          >
            End all others
          </Button>
        )}
      </div>
      {end.isError && <ErrorState error={end.error} />}
      {list.isPending && <RowsSkeleton rows={2} label="Loading your sessions" />}
      {list.isError && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && (
        <DataTable
          caption="Your sessions"
          columns={columns}
          rows={list.data.sessions.toSorted((a, b) => Number(b.current) - Number(a.current))}
          rowKey={(session) => session.sessionId}
        />
      )}
    </section>
  );
}
