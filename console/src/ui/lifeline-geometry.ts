import { expiringDays } from "@fusion/contract/tokens.ts";

/** One lifetime, with instants as the API writes them. */
export interface Life {
  createdAt: string;
  expiresAt: string;
  revokedAt?: string | null;
  lastUsedAt?: string | null;
  /** The end planned at its renewal; `at` is null until the replacement is first used. */
  plannedRevocation?: { at: string | null } | null;
}

export type ReminderMark = "sent" | "next" | "planned" | "missed";
export interface LifelineReminder {
  at: string;
  mark: ReminderMark;
}

/** Where something that is drawn begins and ends, in the units of the drawing's width. */
export interface Span {
  from: number;
  to: number;
}

export type LifelineTone = "good" | "soon" | "urgent" | "ended";

export interface LifelineGeometry {
  tone: LifelineTone;
  /** The whole lifetime, up to a revocation that happened or is planned. */
  line: Span;
  lived: Span;
  /** The last 15 days; absent when a revocation came before them. */
  band: Span | undefined;
  now: number | undefined;
  lastUse: number | undefined;
  cut: number | undefined;
  /** The rest of the lifetime that a revocation, past or planned, cuts off. */
  unlived: Span | undefined;
  reminders: { x: number; mark: ReminderMark }[];
  replacement: { line: Span; lived: Span; cut: number | undefined; lastUse: number | undefined } | undefined;
  /** Where both lines run side by side. */
  overlap: Span | undefined;
}

const dayMs = 86_400_000;
const urgentDays = 3;

/**
 * The least shares of the width that keep each stretch legible. In a lifetime of a year, the band of the last 15 days would be 4 % of the
 * width, too little for sixteen dots. Within each stretch the scale stays linear.
 */
const shareMin = { before: 0.15, band: 0.32, after: 0.22 };

/** The positions of everything on a lifeline of this width. Pure. */
export function lifelineGeometry(input: {
  life: Life;
  now: number;
  width: number;
  reminders?: readonly LifelineReminder[];
  replacement?: Life | null;
}): LifelineGeometry {
  const { life, now, width } = input;
  const created = Date.parse(life.createdAt);
  const expires = Math.max(Date.parse(life.expiresAt), created + 1);
  const revoked = life.revokedAt ? Date.parse(life.revokedAt) : undefined;
  // When it stops working unless somebody revokes it before.
  const due = Math.max(plannedEndOf(life), created + 1);
  const bandFrom = Math.max(created, due - expiringDays * dayMs);
  const end = Math.max(expires, input.replacement ? endOf(input.replacement) : expires);
  const at = scale([
    { until: bandFrom, from: created, shareMin: shareMin.before },
    { until: due, from: bandFrom, shareMin: shareMin.band },
    { until: end, from: due, shareMin: shareMin.after },
  ]);
  const x = (instant: number): number => Math.round(at(instant) * width * 100) / 100;

  const ends = revoked === undefined ? due : Math.min(revoked, expires);
  const lived = Math.min(Math.max(now, created), ends);
  const lastUsed = life.lastUsedAt ? Date.parse(life.lastUsedAt) : undefined;
  const other = input.replacement;
  const overlap = other ? overlapOf({ created, ends }, other) : undefined;

  return {
    tone: toneOf({ now, due, revoked }),
    line: { from: x(created), to: x(ends) },
    lived: { from: x(created), to: x(lived) },
    band: bandFrom < ends ? { from: x(bandFrom), to: x(ends) } : undefined,
    // The line of a revoked token has no "now".
    now: revoked === undefined && now >= created && now <= end ? x(now) : undefined,
    lastUse: lastUsed === undefined ? undefined : x(Math.min(Math.max(lastUsed, created), ends)),
    cut: revoked === undefined ? undefined : x(ends),
    unlived: ends < expires ? { from: x(ends), to: x(expires) } : undefined,
    reminders: (input.reminders ?? [])
      .map(({ at: instant, mark }) => ({ instant: Date.parse(instant), mark }))
      // Those after the end have no place on the line; the page lists them.
      .filter(({ instant }) => instant >= created && instant <= ends)
      .map(({ instant, mark }) => ({ x: x(instant), mark })),
    replacement: other ? replacementOf(other, { now, x }) : undefined,
    overlap: overlap && { from: x(overlap.from), to: x(overlap.to) },
  };
}

/** When a life ends unless somebody revokes it before. A revoked token has no plan any more. */
function plannedEndOf({ expiresAt, plannedRevocation, revokedAt }: Life): number {
  const planned = revokedAt ? null : plannedRevocation?.at;
  return Math.min(Date.parse(expiresAt), planned ? Date.parse(planned) : Number.POSITIVE_INFINITY);
}

/** When a life is over: at its revocation, if that comes first. */
function endOf(life: Life): number {
  return Math.min(plannedEndOf(life), life.revokedAt ? Date.parse(life.revokedAt) : Number.POSITIVE_INFINITY);
}

function toneOf(life: { now: number; due: number; revoked: number | undefined }): LifelineTone {
  if (life.revoked !== undefined || life.now >= life.due) return "ended";
  const daysLeft = (life.due - life.now) / dayMs;
  if (daysLeft <= urgentDays) return "urgent";
  return daysLeft <= expiringDays ? "soon" : "good";
}

function replacementOf(
  life: Life,
  { now, x }: { now: number; x: (instant: number) => number },
): LifelineGeometry["replacement"] {
  const created = Date.parse(life.createdAt);
  const ends = endOf(life);
  return {
    line: { from: x(created), to: x(ends) },
    lived: { from: x(created), to: x(Math.min(Math.max(now, created), ends)) },
    cut: life.revokedAt ? x(ends) : undefined,
    lastUse: life.lastUsedAt ? x(Math.min(Date.parse(life.lastUsedAt), ends)) : undefined,
  };
}

function overlapOf(first: { created: number; ends: number }, second: Life): Span | undefined {
  const from = Math.max(first.created, Date.parse(second.createdAt));
  const to = Math.min(first.ends, endOf(second));
  return from < to ? { from, to } : undefined;
}

interface Stretch {
  from: number;
  until: number;
  shareMin: number;
}

/** Maps an instant to 0..1. Each stretch gets a share proportional to its time, but no less than its minimum. */
function scale(all: Stretch[]): (instant: number) => number {
  const stretches = all.filter(({ from, until }) => until > from);
  const shares = sharesOf(stretches);
  return (instant) => {
    let start = 0;
    for (const [index, { from, until }] of stretches.entries()) {
      const share = shares[index] ?? 0;
      if (instant <= until) {
        return start + share * Math.max(0, (instant - from) / (until - from));
      }
      start += share;
    }
    return 1;
  };
}

function sharesOf(stretches: Stretch[]): number[] {
  const held = new Set<Stretch>();
  for (;;) {
    const free = stretches.filter((stretch) => !held.has(stretch));
    const duration = free.reduce((sum, { from, until }) => sum + until - from, 0);
    const room = 1 - [...held].reduce((sum, stretch) => sum + stretch.shareMin, 0);
    const shareOf = ({ from, until }: Stretch): number => (room * (until - from)) / duration;
    const tooSmall = free.filter((stretch) => shareOf(stretch) < stretch.shareMin);
    if (tooSmall.length === 0 || free.length === 1) {
      return stretches.map((stretch) => (held.has(stretch) ? stretch.shareMin : shareOf(stretch)));
    }
    for (const stretch of tooSmall) held.add(stretch);
  }
}
