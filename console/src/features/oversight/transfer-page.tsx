import type { OverseenTransfer, TransferSide } from "@fusion/contract/oversight.ts";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { formatMinor } from "../../lib/money.ts";
import { paths } from "../../lib/paths.ts";
import { useShown } from "../../lib/use-shown.ts";
import { Fact, Facts, IdFact } from "../../ui/facts.tsx";
import { Mono } from "../../ui/mono.tsx";
import { ExactTime } from "../../ui/relative-time.tsx";
import { ErrorState, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { BookEntryFrame, useBooks } from "./books-frame.tsx";
import classes from "./oversight.module.css";
import { type Books, transferQuery } from "./oversight-queries.ts";
import { kindWords, sideWords } from "./transfer-words.ts";

/** One transfer: how much, from where to where. */
export function TransferPage(): ReactElement {
  const books = useBooks();
  const { transferId } = useParams({ from: `/frame${paths.bookTransfer}` });
  const query = useQuery(transferQuery(books, transferId));
  const { error, refetch } = query;
  const transfer = useShown(query);
  const title = transfer ? `Transfer of ${formatMinor(transfer.amountMinor, transfer.currency)}` : "Transfer";
  return (
    <BookEntryFrame list="transfers" title={title}>
      {transfer ? (
        <>
          <StaleSign of={query} />
          <Transfer books={books} transfer={transfer} />
        </>
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <RowsSkeleton label="Loading the transfer" />
      )}
    </BookEntryFrame>
  );
}

function Transfer({ books, transfer }: { books: Books; transfer: OverseenTransfer }): ReactElement {
  return (
    <>
      <dl className={classes.sides}>
        <Fact name="From">
          <Side books={books} side={transfer.debit} />
        </Fact>
        <Fact name="To">
          <Side books={books} side={transfer.credit} />
        </Fact>
      </dl>
      <Facts>
        <Fact name="Posted">
          <ExactTime instant={transfer.postedAt} />
        </Fact>
        <Fact name="Transfer code">{kindWords(transfer)}</Fact>
        <Fact name="Remarks">{transfer.remarks === "" ? "None" : transfer.remarks}</Fact>
        <IdFact name="requestID" id={transfer.requestId} />
        <IdFact name="transferID" id={transfer.transferId} />
      </Facts>
    </>
  );
}

function Side({ books, side }: { books: Books; side: TransferSide }): ReactElement {
  if (side === null) return <span className={classes.party}>The bank</span>;
  return (
    <>
      <Link
        to={paths.bookAccount}
        params={{ ...books, accountId: side.accountId }}
        className={classes.party ?? ""}
      >
        {sideWords(side)}
      </Link>
      <span className={classes.soft}>
        {side.accountHolderName && `${side.name}, `}
        <Mono>{side.accountId}</Mono>
      </span>
    </>
  );
}
