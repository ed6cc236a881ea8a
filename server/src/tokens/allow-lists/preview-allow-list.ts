import { dataScopeOf } from "../../access/data-scope.ts";
import { readIpAllowList } from "../../access/ip-allow-list.ts";
import { allowsAddress, compileIpRules, haveCommonAddress, type IpRules } from "../../access/ip-rules.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { requireSession } from "../../access/transaction-of.ts";
import { getApplicationFor } from "../../fintechs/find-application.ts";
import type { Database, Transaction } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { parseIp } from "../../platform/ip-network.ts";
import { listTokenAllowLists, type TokenAllowList } from "../lists/token-list-store.ts";
import { getTokenAndApplicationFor } from "../token-access.ts";
import { readDatabaseTime } from "../token-store.ts";
import { listAcceptedAddresses } from "../usage/usage-queries.ts";

/** What an IP allow-list would change. */
export interface AllowListEffect {
  /** Addresses whose calls were accepted in the last 24 hours and would be refused, latest first. */
  readonly excludedCallers: readonly { readonly ip: string; readonly lastAt: Date }[];
  /** Active tokens that could not be used from any address: their list and the application's have none in common. */
  readonly unusableTokens: readonly { readonly tokenId: TokenId; readonly name: string }[];
}

const recentMs = 24 * 3_600_000;

/**
 * What would change if this were the list of the application or of the token; for anyone who may see it. Usage is about a second old.
 * Throws `not_found`, and `invalid_input` as setting the list would.
 */
export async function previewAllowList(
  { db }: { readonly db: Database },
  principal: UserPrincipal,
  of: { readonly applicationId: ApplicationId } | { readonly tokenId: TokenId },
  ipAllowList: readonly string[],
): Promise<AllowListEffect> {
  const rules = compileIpRules(readIpAllowList(ipAllowList));
  return db.transaction(dataScopeOf(principal), async (tx) => {
    await requireSession(tx, principal);
    const now = await readDatabaseTime(tx);
    if ("applicationId" in of) {
      await getApplicationFor(tx, principal, of.applicationId);
      return effectOf(tx, rules, await listTokenAllowLists(tx, of.applicationId, now), now);
    }
    const { token, application } = await getTokenAndApplicationFor(tx, principal, of.tokenId);
    return effectOf(tx, rules, [{ ...token, ipAllowList: application.ipAllowList }], now);
  });
}

/** `lists`: for each token concerned, the list that does not change. */
async function effectOf(
  tx: Transaction,
  rules: IpRules,
  lists: readonly TokenAllowList[],
  now: Date,
): Promise<AllowListEffect> {
  const callers = await listAcceptedAddresses(tx, {
    tokenIds: lists.map(({ tokenId }) => tokenId),
    since: new Date(now.getTime() - recentMs),
  });
  return {
    excludedCallers: callers.filter(({ ip }) => !allowsAddress(rules, parseIp(ip))),
    unusableTokens: lists
      .filter(({ ipAllowList }) => !haveCommonAddress(rules, compileIpRules(ipAllowList)))
      .map(({ tokenId, name }) => ({ tokenId, name })),
  };
}
