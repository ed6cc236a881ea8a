import { formatInstant } from "../../lib/time.ts";
import type { OverlapChoice } from "./overlap-field.tsx";
import { overlapSentence } from "./overlap-words.ts";

/** What "Generate" will do, in one sentence. `undefined` while the end is not known. */
export function summarySentence(choice: {
  applicationName: string;
  environment: "sandbox" | "live";
  scopes: readonly string[];
  expiresAt: string | undefined;
  timeZone: string;
  /** When the first reminder goes out; null if none would, undefined if they were not asked for. */
  firstReminderAt: string | null | undefined;
  /** `overlap` is null where the renewed token has ended. */
  renews: { readonly tokenId: string; readonly overlap: OverlapChoice | null } | null;
}): string | undefined {
  if (choice.expiresAt === undefined || choice.scopes.length === 0) return undefined;
  const scopes = choice.scopes.includes("admin")
    ? "do everything the Fusion API offers to it"
    : `use ${listWords(choice.scopes)}`;
  const reminded =
    choice.firstReminderAt === undefined
      ? "Nobody is reminded."
      : choice.firstReminderAt === null
        ? "It ends too soon for a reminder."
        : `You are reminded from ${formatInstant(choice.firstReminderAt, choice.timeZone)}.`;
  const renewal =
    choice.renews === null
      ? ""
      : ` It renews ${choice.renews.tokenId}, which ${choice.renews.overlap === null ? "has ended" : overlapSentence(choice.renews.overlap)}.`;
  return `A ${choice.environment} token lets ${choice.applicationName} ${scopes} until ${formatInstant(choice.expiresAt, choice.timeZone)}. ${reminded}${renewal}`;
}

function listWords(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}
