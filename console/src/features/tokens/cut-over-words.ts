import type { CutOver, CutOverState } from "@fusion/contract/tokens.ts";
import { timeAgo } from "../../lib/time.ts";

const stateWords: Record<CutOverState, string> = {
  moved: "Moved",
  on_renewed: "Uses the old token",
  silent: "Not seen since the renewal",
  new: "New token only",
  together: "Not known",
};

/** How far one caller is; if the old token has ended, how far it was then. */
export function cutOverStateWords(state: CutOverState, renewed: { readonly ended: boolean }): string {
  return renewed.ended && state === "on_renewed" ? "Had not moved" : stateWords[state];
}

/** "203.0.113.9 (okhttp/4.12)". */
export function callerWords({ ip, userAgent }: { readonly ip: string; readonly userAgent: string }): string {
  return userAgent === "" ? ip : `${ip} (${userAgent})`;
}

/** Whether no known caller needs the old token any more and no caller is unknown. */
export function allHaveMoved({ verdict: { callers, moved, together } }: Pick<CutOver, "verdict">): boolean {
  return moved === callers && !together;
}

/**
 * How far the cut-over is, and what is in its way: "2 of 3 callers have moved; 203.0.113.9 (okhttp/4.12) last used the old token 6 minutes
 * ago." Never says that all have moved while some callers are unknown.
 */
export function verdictSentence(cutOver: Pick<CutOver, "verdict">, now: number): string {
  const { callers, moved, silent, together, lastOnRenewed } = cutOver.verdict;
  if (callers === 0)
    return together
      ? "Callers of the old token are known only together: whether they have moved is not known."
      : "Nobody was seen with the old token.";
  const facts = [
    allHaveMoved(cutOver)
      ? callers === 1
        ? "The one caller has moved"
        : `All ${callers} callers have moved`
      : `${moved} of ${callers} ${callers === 1 ? "caller" : "callers"} ${moved === 1 ? "has" : "have"} moved`,
  ];
  if (lastOnRenewed)
    facts.push(`${callerWords(lastOnRenewed)} last used the old token ${timeAgo(lastOnRenewed.at, now)}`);
  if (silent > 0) facts.push(`${silent} ${silent === 1 ? "has" : "have"} not called since the renewal`);
  if (together) facts.push("of others it is not known whether they have moved");
  return `${facts.join("; ")}.`;
}
