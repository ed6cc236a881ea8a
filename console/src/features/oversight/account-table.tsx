import type { OverseenAccount } from "@fusion/contract/oversight.ts";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { formatMinor } from "../../lib/money.ts";
import { paths } from "../../lib/paths.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Mono } from "../../ui/mono.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { nameWords } from "./holder-facts.tsx";
import classes from "./oversight.module.css";
import type { Books } from "./oversight-queries.ts";

/** Accounts, each linked to its page. Set `holderShown` unless all of them belong to one holder. */
export function AccountTable(props: {
  books: Books;
  accounts: readonly OverseenAccount[];
  holderShown?: boolean;
}): ReactElement {
  const { holderShown = true } = props;
  const columns: Column<OverseenAccount>[] = [
    {
      key: "account",
      header: "Account",
      onPhone: "lead",
      cell: (account) => (
        <div className={classes.two}>
          <Link
            to={paths.bookAccount}
            params={{ ...props.books, accountId: account.accountId }}
            data-row-link
          >
            {account.name}
          </Link>
          <span className={classes.soft}>
            <Mono>{account.accountId}</Mono>
          </span>
        </div>
      ),
    },
    ...(holderShown
      ? [{ key: "holder", header: "Account holder", cell: (account: OverseenAccount) => heldBy(account) }]
      : []),
    { key: "status", header: "Status", cell: ({ status }) => <AccountBadge status={status} /> },
    { key: "created", header: "Opened", cell: ({ createdAt }) => <RelativeTime instant={createdAt} /> },
    {
      key: "transactions",
      header: "Transactions",
      align: "right",
      cell: ({ transactions }) => <span className="figures">{transactions.toLocaleString("en-IN")}</span>,
    },
    {
      key: "balance",
      header: "Balance",
      align: "right",
      cell: ({ balanceMinor, currency }) => (
        <span className={classes.amount}>
          <Mono>{formatMinor(balanceMinor, currency)}</Mono>
        </span>
      ),
    },
  ];
  return (
    <DataTable
      caption="Accounts"
      columns={columns}
      rows={props.accounts}
      rowKey={({ accountId }) => accountId}
      linked
    />
  );
}

/** Who holds the account. An account without a holder is the fintech's own funding account. */
function heldBy({ accountHolderName }: OverseenAccount): string {
  return accountHolderName === null ? "The fintech (funding account)" : nameWords(accountHolderName);
}

export function AccountBadge({ status }: { status: OverseenAccount["status"] }): ReactElement {
  return status === "ENABLED" ? (
    <StatusBadge tone="good">Enabled</StatusBadge>
  ) : (
    <StatusBadge tone="ended">Disabled</StatusBadge>
  );
}
