import { type Database, systemScope } from "../platform/database/database.ts";
import type { DueNotice } from "./due-notices.ts";
import { listDueNotices } from "./due-notices.ts";
import { fintechDayAhead, later } from "./fintech-day.ts";
import { listFintechsAfter, type RemindedFintech } from "./plan-store.ts";
import { daysLeft, localDayOf } from "./schedule.ts";
import { type DigestText, renderDigest } from "./templates.ts";

/** One message that would go out. */
export interface PreviewedDigest extends DigestText {
  readonly fintechId: string;
  readonly fintechName: string;
  readonly userId: DueNotice["userId"];
  readonly recipient: string;
  readonly channel: "sms" | "email";
  readonly to: string;
  readonly localDay: string;
  /** The fintech's reminder time on that day. */
  readonly goesOutAt: Date;
  readonly notices: readonly {
    readonly tokenId: DueNotice["tokenId"];
    readonly kind: DueNotice["kind"];
    readonly name: string;
    readonly applicationId: DueNotice["applicationId"];
    readonly environment: string;
    readonly expiresAt: Date;
    readonly daysLeft: number;
  }[];
}

export interface ReminderPreview {
  readonly at: Date;
  /** What has gone out by that instant on its local day, in each fintech's zone. */
  readonly due: readonly PreviewedDigest[];
  /** What goes out later on the same local day. */
  readonly laterThatDay: readonly PreviewedDigest[];
}

/**
 * The messages of the local day that holds `at`, rendered as they would be sent, by what is known now of tokens and subscriptions.
 * Reads only; whether some of them were sent already makes no difference.
 */
export async function previewReminders(
  { db, publicUrl }: { readonly db: Database; readonly publicUrl: string },
  at: Date,
): Promise<ReminderPreview> {
  const digests: PreviewedDigest[] = [];
  const pageSize = 200;
  let last: RemindedFintech | undefined;
  for (;;) {
    const fintechs = await db.transaction(systemScope, async (tx) => {
      const page = await listFintechsAfter(tx, last, pageSize);
      const days = page.flatMap((fintech) => {
        return fintechDayAhead(fintech, localDayOf(at, fintech.timeZone), at) ?? [];
      });
      const byFintech = new Map(page.map((fintech) => [fintech.fintechId, fintech]));
      for (const group of groupByDigest(await listDueNotices(tx, days))) {
        const fintech = byFintech.get(group[0].fintechId);
        if (fintech) digests.push(previewDigest(group, { fintech, publicUrl, at }));
      }
      return page;
    });
    if (fintechs.length < pageSize) break;
    last = fintechs.at(-1);
  }
  return {
    at,
    due: digests.filter((digest) => digest.goesOutAt <= at),
    laterThatDay: digests.filter((digest) => digest.goesOutAt > at),
  };
}

type Group = [DueNotice, ...DueNotice[]];

/** Groups the notices by message. The rows come in the order of their digests. */
export function groupByDigest(notices: readonly DueNotice[]): Group[] {
  const groups: Group[] = [];
  for (const notice of notices) {
    const group = groups.at(-1);
    const key = (of: DueNotice): string => `${of.fintechId}/${of.userId}/${of.channel}`;
    if (group && key(group[0]) === key(notice)) group.push(notice);
    else groups.push([notice]);
  }
  return groups;
}

/** A message as it would be read at that instant or when it goes out, whichever is later. */
export function previewDigest(
  notices: Group,
  about: {
    readonly fintech: Pick<RemindedFintech, "name" | "timeZone">;
    readonly publicUrl: string;
    readonly at: Date;
  },
): PreviewedDigest {
  const { fintech, publicUrl, at } = about;
  const [first] = notices;
  const now = later(at, first.plannedFor);
  return {
    ...renderDigest({
      channel: first.channel,
      recipientName: first.recipientName,
      fintechName: fintech.name,
      timeZone: fintech.timeZone,
      publicUrl,
      now,
      notices,
    }),
    fintechId: first.fintechId,
    fintechName: fintech.name,
    userId: first.userId,
    recipient: first.recipientName,
    channel: first.channel,
    to: first.address,
    localDay: first.localDay,
    goesOutAt: first.plannedFor,
    notices: notices.map((notice) => ({
      tokenId: notice.tokenId,
      kind: notice.kind,
      name: notice.name,
      applicationId: notice.applicationId,
      environment: notice.environment,
      expiresAt: notice.expiresAt,
      daysLeft: daysLeft(notice.expiresAt, now, fintech.timeZone),
    })),
  };
}
