import type { ListedCall } from "@fusion/contract/activity.ts";
import { VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { formatDay, formatTime, localDay } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Mono } from "../../ui/mono.tsx";
import classes from "./activity.module.css";
import { AnswerBadge } from "./answer-badge.tsx";

type Call = Extract<ListedCall, { kind: "call" }>;

const outcomeWords = { accepted: "accepted calls", refused: "refused calls", error: "errors of ours" };

/** One row per call. A row that only counts says how many calls there were. */
export function CallTable(props: {
  calls: readonly ListedCall[];
  applicationId: string;
  /** Called when somebody presses "Why?". */
  onExplain: () => void;
}): ReactElement {
  const { calls, applicationId } = props;
  const ofCall = (cell: (call: Call) => ReactElement) => (row: ListedCall) =>
    row.kind === "call" ? cell(row) : null;
  const columns: Column<ListedCall>[] = [
    {
      key: "call",
      header: "Call",
      onPhone: "lead",
      cell: (row) =>
        row.kind === "unlisted" ? (
          <span className={classes.soft}>
            {row.calls.toLocaleString("en-IN")} more {outcomeWords[row.outcome]}, counted and not listed
          </span>
        ) : (
          <div className={classes.two}>
            <Mono>{row.route}</Mono>
            <Link
              to={paths.token}
              params={{ applicationId, tokenId: row.tokenId }}
              aria-label={`Token ${row.tokenName}`}
            >
              {row.tokenName}
            </Link>
          </div>
        ),
    },
    {
      key: "answer",
      header: "Answer",
      cell: ofCall((call) => (
        <div className={classes.two}>
          <AnswerBadge call={call} />
          {call.code !== null && (
            <span className={classes.soft}>
              <Mono>{call.errorCode === null ? call.code : `${call.code} · ${call.errorCode}`}</Mono>
            </span>
          )}
        </div>
      )),
    },
    { key: "time", header: "When", whole: true, cell: (row) => <When instant={row.at} /> },
    {
      key: "from",
      header: "From",
      whole: true,
      // The explanation shows it too; without it a card is half as long.
      onPhone: "hidden",
      cell: ofCall((call) => (
        <div className={classes.two}>
          <Mono>{call.ip}</Mono>
          <span className={classes.clipped} title={call.userAgent}>
            {call.userAgent === "" ? "No user agent" : call.userAgent}
          </span>
        </div>
      )),
    },
    {
      key: "duration",
      header: "Took",
      whole: true,
      onPhone: "hidden",
      align: "right",
      cell: ofCall((call) => <span className="figures">{durationWords(call.durationMs)}</span>),
    },
    {
      key: "request",
      header: "Request id",
      cell: ofCall((call) => (
        <div className={classes.two}>
          <Mono>{call.requestId}</Mono>
          <span className={classes.beside}>
            <Link
              from={paths.activity}
              to="."
              search={(search) => ({ ...search, request: call.requestId })}
              resetScroll={false}
              onClick={props.onExplain}
            >
              {call.outcome === "accepted" ? "Details" : "Why?"}
              <VisuallyHidden> of request {call.requestId}</VisuallyHidden>
            </Link>
            <CopyButton value={call.requestId} label={`Copy ${call.requestId}`} />
          </span>
        </div>
      )),
    },
  ];
  return (
    <DataTable
      caption="Calls of this application, latest first"
      columns={columns}
      rows={calls}
      rowKey={(row) => (row.kind === "call" ? row.requestId : row.rowId)}
    />
  );
}

function When({ instant }: { instant: string }): ReactElement {
  const timeZone = useTimeZone();
  return (
    <time dateTime={instant} className={classes.two}>
      <span className="figures">{formatTime(instant, timeZone)}</span>
      <span className={classes.soft}>{formatDay(localDay(instant, timeZone))}</span>
    </time>
  );
}

export function durationWords(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}
