import type { TokenDetails } from "@fusion/contract/tokens.ts";
import type { ReactElement } from "react";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { CallerCell } from "./caller-cell.tsx";
import { callersListedWords } from "./caller-words.ts";
import classes from "./tokens.module.css";

type Caller = TokenDetails["callers"][number];
const callerColumns: Column<Caller>[] = [
  {
    key: "caller",
    header: "Caller",
    onPhone: "lead",
    cell: (caller) => <CallerCell caller={caller} together={caller.together} />,
  },
  {
    key: "calls",
    header: "Calls",
    align: "right",
    whole: true,
    cell: ({ calls }) => <span className="figures">{calls.toLocaleString("en-IN")}</span>,
  },
  {
    key: "last",
    header: "Last seen",
    align: "right",
    whole: true,
    cell: ({ lastAt }) => <RelativeTime instant={lastAt} />,
  },
];

/** Who used a token lately, as the server orders them, and how many more there are. */
export function TokenCallers({
  token: { callers, callersTotal: total },
}: {
  token: Pick<TokenDetails, "callers" | "callersTotal">;
}): ReactElement {
  if (callers.length === 0) return <p className={classes.soft}>Nobody called in the last 30 days.</p>;
  const listed = callers.filter(({ together }) => !together).length;
  const listedWords = callersListedWords({ listed, total });
  return (
    <>
      <DataTable
        caption="Callers in the last 30 days"
        columns={callerColumns}
        rows={callers}
        rowKey={({ ip, userAgent }) => `${ip} ${userAgent}`}
      />
      {listedWords && <p className={classes.soft}>{listedWords}</p>}
    </>
  );
}
