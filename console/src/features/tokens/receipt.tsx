import type { RevocationReceipt } from "@fusion/contract/tokens.ts";
import type { ReactElement } from "react";
import { Mono } from "../../ui/mono.tsx";

/** A receipt's number, and how many processes had confirmed the revocation. */
export function Receipt({
  receipt: { receiptId, nodes },
}: {
  receipt: Pick<RevocationReceipt, "receiptId" | "nodes">;
}): ReactElement {
  return (
    <>
      Receipt <Mono>{receiptId}</Mono>
      {nodes === null ? ", not yet confirmed" : `, ${confirmation(nodes)}`}
    </>
  );
}

function confirmation({ confirmed, total }: { confirmed: number; total: number }): string {
  if (total === 0) return "no process was running";
  if (confirmed < total)
    return `confirmed by ${confirmed} of ${total} processes, the others could no longer accept it`;
  return total === 1 ? "confirmed everywhere" : `confirmed everywhere, by all ${total} processes`;
}
