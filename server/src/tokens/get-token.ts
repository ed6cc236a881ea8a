import { dataScopeOf } from "../access/data-scope.ts";
import type { Administrator } from "../access/roles.ts";
import { listAuditEntries, type RecordedEntry } from "../audit/list-entries.ts";
import type { ReachableApplication } from "../fintechs/find-application.ts";
import type { Database } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import { findReceipts, type ReceiptRecord } from "./revocation/receipt-store.ts";
import { isSubscribed } from "./subscriptions/subscription-store.ts";
import { getTokenAndApplicationFor } from "./token-access.ts";
import type { TokenRecord } from "./token-record.ts";
import { readDatabaseTime } from "./token-store.ts";
import {
  type Caller,
  type CallTotals,
  countCallsSince,
  type DayOfCalls,
  findTokenUse,
  listCallers,
  listCallsPerDay,
  type TokenUse,
} from "./usage/usage-queries.ts";

/** Everything that a token's page shows. */
export interface TokenStory {
  readonly token: TokenRecord;
  readonly application: ReachableApplication;
  /** The receipt of its revocation, where there is one. */
  readonly receipt: ReceiptRecord | undefined;
  readonly use: TokenUse | undefined;
  readonly last24Hours: CallTotals;
  readonly callsPerDay: readonly DayOfCalls[];
  readonly callers: readonly Caller[];
  /** How many callers can be told apart, listed or not. */
  readonly callersTotal: number;
  /** Whether the person asking is reminded. */
  readonly subscribed: boolean;
  /** The latest entries; `timelineCut` says whether there are earlier ones. */
  readonly timeline: readonly RecordedEntry[];
  readonly timelineCut: boolean;
  /** The database's time at which this was true. */
  readonly asOf: Date;
}

const hourMs = 3_600_000;
/** Local days of calls that a token's page shows. */
export const chartDays = 30;
const callersMax = 20;
const timelineMax = 100;

/**
 * A token with its use and its history, for anyone who may see its application. Throws `not_found` otherwise. Usage is about a second old.
 */
export async function getToken(
  { db }: { readonly db: Database },
  actor: Administrator,
  tokenId: TokenId,
): Promise<TokenStory> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    const { token, application } = await getTokenAndApplicationFor(tx, actor, tokenId);
    const asOf = await readDatabaseTime(tx);
    const [receipt] = token.revokedAt === null ? [] : await findReceipts(tx, [tokenId]);
    const ago = (hours: number): Date => new Date(asOf.getTime() - hours * hourMs);
    const { callers, total: callersTotal } = await listCallers(tx, tokenId, {
      since: ago(chartDays * 24),
      limit: callersMax,
    });
    const timeline = await listAuditEntries(tx, { kind: "token", id: tokenId }, timelineMax + 1);
    return {
      token,
      application,
      receipt,
      use: await findTokenUse(tx, tokenId),
      last24Hours: await countCallsSince(tx, tokenId, ago(24)),
      callsPerDay: await listCallsPerDay(tx, tokenId, {
        now: asOf,
        timeZone: application.timeZone,
        days: chartDays,
      }),
      callers,
      callersTotal,
      subscribed: actor.kind === "user" && (await isSubscribed(tx, tokenId, actor.userId)),
      timeline: timeline.slice(0, timelineMax),
      timelineCut: timeline.length > timelineMax,
      asOf,
    };
  });
}
