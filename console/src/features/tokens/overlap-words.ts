import type { Overlap, OverlapFrom } from "@fusion/contract/tokens.ts";

export const overlapWords: Record<Overlap, string> = {
  none: "None",
  "1h": "1 hour",
  "24h": "24 hours",
  "7d": "7 days",
  until_expiry: "Until it expires",
};

interface RenewalOverlap {
  readonly overlap: Overlap;
  readonly overlapFrom: OverlapFrom;
}

/** What becomes of the renewed token: "is revoked 24 hours after the first use of the new one". */
export function overlapSentence({ overlap, overlapFrom }: RenewalOverlap): string {
  if (overlap === "until_expiry") return "keeps working until its own end";
  if (overlapFrom === "now")
    return overlap === "none" ? "is revoked at once" : `is revoked after ${overlapWords[overlap]}`;
  return overlap === "none"
    ? "is revoked when the new one is first used"
    : `is revoked ${overlapWords[overlap]} after the first use of the new one`;
}

/** What was planned for a renewed token, once that is over: "was to be revoked after 24 hours". */
export function pastOverlapSentence({ overlap, overlapFrom }: RenewalOverlap): string {
  if (overlap === "until_expiry") return "was to keep working until its own end";
  if (overlapFrom === "now")
    return overlap === "none"
      ? "was to be revoked at once"
      : `was to be revoked after ${overlapWords[overlap]}`;
  return overlap === "none"
    ? "was to be revoked when the new one was first used"
    : `was to be revoked ${overlapWords[overlap]} after the first use of the new one`;
}
