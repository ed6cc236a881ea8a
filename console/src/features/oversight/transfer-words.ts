import type { OverseenTransfer, TransferSide } from "@fusion/contract/oversight.ts";

/** What moved the money. */
export function kindWords({ kind, transferCode }: OverseenTransfer): string {
  return kind === "funding" ? "Funding by the bank" : transferCode;
}

/** Who holds the account, in few words: the holder's name, or the account's own name if nobody holds it. */
export function sideWords(side: TransferSide): string {
  if (side === null) return "The bank";
  return side.accountHolderName || side.name;
}
