import type { OverseenHolderDetails } from "@fusion/contract/oversight.ts";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { paths } from "../../lib/paths.ts";
import { useShown } from "../../lib/use-shown.ts";
import { Fact, Facts, IdFact } from "../../ui/facts.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { ErrorState, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { AccountTable } from "./account-table.tsx";
import { BookEntryFrame, useBooks } from "./books-frame.tsx";
import { Identities, KycBadge, nameWords } from "./holder-facts.tsx";
import classes from "./oversight.module.css";
import { type Books, holderQuery } from "./oversight-queries.ts";

const typeWords = { REAL: "Person", LEGAL: "Business", HEADLESS: "Headless" };

/** One account holder, masked, with the accounts that this fintech opened. */
export function HolderPage(): ReactElement {
  const books = useBooks();
  const { accountHolderId } = useParams({ from: `/frame${paths.bookHolder}` });
  const query = useQuery(holderQuery(books, accountHolderId));
  const { error, refetch } = query;
  const holder = useShown(query);
  return (
    <BookEntryFrame list="holders" title={holder ? nameWords(holder.name) : "Account holder"}>
      {holder ? (
        <>
          <StaleSign of={query} />
          <Holder books={books} holder={holder} />
        </>
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <RowsSkeleton label="Loading the account holder" />
      )}
    </BookEntryFrame>
  );
}

function Holder({ books, holder }: { books: Books; holder: OverseenHolderDetails }): ReactElement {
  return (
    <>
      <Facts>
        <Fact name="Identities, masked">
          <Identities of={holder} />
        </Fact>
        <Fact name="KYC">
          <div className={classes.two}>
            <KycBadge status={holder.kycStatus} />
            <span className={classes.soft}>
              Updated <ExactTime instant={holder.kycUpdatedAt} />
            </span>
            <span className={classes.soft}>
              Expires <ExactTime instant={holder.kycExpiresAt} />
            </span>
          </div>
        </Fact>
        <IdFact name="Account holder id" id={holder.accountHolderId} />
        <Fact name="Kind">{typeWords[holder.type]}</Fact>
        <Fact name="Status">{sentenceCase(holder.status)}</Fact>
        <Fact name="Submitted">
          <ExactTime instant={holder.createdAt} />
        </Fact>
      </Facts>
      <h2 className={classes.heading}>Accounts</h2>
      {holder.accounts.length === 0 ? (
        <p className={classes.none}>This fintech has opened no account for this holder.</p>
      ) : (
        <AccountTable books={books} accounts={holder.accounts} holderShown={false} />
      )}
    </>
  );
}

function sentenceCase(status: string): string {
  return status.charAt(0) + status.slice(1).toLowerCase();
}
