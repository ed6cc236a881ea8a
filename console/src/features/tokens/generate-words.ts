import type { TokenPreview } from "@fusion/contract/tokens.ts";
import { readableAddress } from "../../lib/address.ts";
import { mayPass } from "../../lib/retrying.ts";
import { formatInstant } from "../../lib/time.ts";
import type { TokenEnd } from "./use-token-end.ts";

/** Why nothing can be generated, however much is filled in. The server counts again. */
export function fullWords(count: { active: number; tokensMax: number; overlapping: boolean }): string {
  const { active, tokensMax, overlapping } = count;
  return `This application has ${active} active ${active === 1 ? "token" : "tokens"} and may have ${tokensMax}. Revoke one that is not needed${overlapping ? "" : ", or renew one"}.`;
}

/** Why there is no summary yet, and with it nothing to generate: what is to be chosen, or what the server has not said. */
export function missingWords(form: {
  scopes: readonly string[];
  end: TokenEnd;
  /** What keeps the server from saying what the token may renew. */
  listTrouble: unknown;
}): string {
  const { scopes, end, listTrouble } = form;
  if (scopes.length === 0) return "Choose at least one scope.";
  if (end.tooSoon || end.dayRefused) return "Choose another day.";
  if (end.expiry === undefined) return "Choose when it ends.";
  if (end.trouble !== null && !mayPass(end.trouble)) return "When it ends is not known.";
  if (listTrouble !== null && !mayPass(listTrouble)) return "What it may renew is not known.";
  return end.isKnown ? "Finding out what it may renew …" : "Finding out when it ends …";
}

/** When the first reminder would go out, and to whom. */
export function reminderWords(reminders: TokenPreview["reminders"] | undefined, timeZone: string): string {
  if (reminders === undefined) return "Daily from 15 days before it ends.";
  if (reminders.firstAt === null) return "It ends too soon for one.";
  const to = reminders.recipients.map(({ address }) => readableAddress(address)).join(" and ");
  const first = `Daily, the first ${formatInstant(reminders.firstAt, timeZone)}`;
  return to === "" ? `${first}. Nobody can be reached yet.` : `${first}, to ${to}.`;
}
