import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import type { Scope } from "@fusion/contract/scopes.ts";
import { useState } from "react";
import { formatMonth } from "../../lib/time.ts";
import type { DurationChoice } from "./duration-field.tsx";
import type { OverlapChoice } from "./overlap-field.tsx";
import { hasEnded, type Renewable } from "./renewable.ts";

/** What was chosen for a new token, and how to choose otherwise. */
export interface TokenChoices {
  readonly renewed: Renewable | undefined;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The allow-list as it is typed, a range on each line. */
  readonly allowed: string;
  readonly duration: DurationChoice;
  readonly reminders: boolean;
  /** How long the renewed token goes on; null where none is renewed, or one that has ended. */
  readonly overlap: OverlapChoice | null;
  /** Gets a token's id, or nothing where none is renewed. */
  setRenewal(tokenId: string): void;
  setName(name: string): void;
  setScopes(scopes: Scope[]): void;
  setAllowed(allowed: string): void;
  setDuration(duration: DurationChoice): void;
  setReminders(reminders: boolean): void;
  setOverlap(overlap: OverlapChoice): void;
}

/**
 * The choices for a new token. Those not made by hand follow the token that it renews, which is the first of the candidates unless chosen
 * otherwise. `taken` are the names that a name made up here must differ from.
 */
export function useTokenChoices(
  application: ApplicationDetails,
  {
    candidates,
    taken,
    now,
  }: { readonly candidates: readonly Renewable[]; readonly taken: ReadonlySet<string>; readonly now: number },
): TokenChoices {
  const [renewal, setRenewal] = useState<string>();
  const [name, setName] = useState<string>();
  const [scopes, setScopes] = useState<Scope[]>();
  const [allowed, setAllowed] = useState<string>();
  const [overlap, setOverlap] = useState<OverlapChoice>({ overlap: "until_expiry", overlapFrom: "now" });
  const [duration, setDuration] = useState<DurationChoice>({
    preset: presetDefault(application.lifetimeDaysMax),
    date: "",
  });
  const [reminders, setReminders] = useState(true);
  const renewed =
    renewal === undefined ? candidates[0] : candidates.find(({ tokenId }) => tokenId === renewal);
  return {
    renewed,
    name: name ?? renewed?.name ?? nameDefault(application, { now, taken }),
    scopes: scopes ?? scopesDefault(application, renewed),
    allowed: allowed ?? renewed?.ipAllowList.join("\n") ?? "",
    duration,
    reminders,
    overlap: renewed === undefined || hasEnded(renewed, now) ? null : overlap,
    setRenewal,
    setName,
    setScopes,
    setAllowed,
    setDuration,
    setReminders,
    setOverlap,
  };
}

function scopesDefault(application: ApplicationDetails, renewed: Renewable | undefined): Scope[] {
  const kept = (renewed?.scopes ?? []).filter((scope) => application.scopes.includes(scope));
  if (kept.length > 0) return kept;
  return application.scopes.includes("admin") ? ["admin"] : application.scopes.slice(0, 1);
}

/** "Payouts, Nov 2026"; the next of the same month "Payouts, Nov 2026 (2)". */
function nameDefault(
  { name, timeZone }: ApplicationDetails,
  { now, taken }: { now: number; taken: ReadonlySet<string> },
): string {
  const first = `${name.slice(0, 60)}, ${formatMonth(new Date(now).toISOString(), timeZone)}`;
  let free = first;
  for (let number = 2; taken.has(free); number += 1) free = `${first} (${number})`;
  return free;
}

function presetDefault(daysMax: number): string {
  return daysMax >= 365 ? "365" : daysMax >= 90 ? "90" : String(Math.min(30, daysMax));
}
