import type { PolicyRules } from "@fusion/contract/fusion/holder-services.ts";
import { plainArrayLiteral, textArrayLiteral, textLiteral } from "../platform/database/sql-literals.ts";
import type { Tenant } from "../platform/ids.ts";
import type { AccountId, AccountKind, AccountStatus } from "./account.ts";
import { type PostedTransfer, parsePostedTransfer } from "./posted-transfer.ts";
import { type PeriodStarts, parseUsage, periodStarts, type Usage } from "./usage.ts";

// What a transaction that is to move money reads under its locks, by one statement, `begin_transfer_batch` (migration 0265).

/** An account as it stands under the lock. Transfers move money here first, in memory, so that the next transfer sees it. */
export interface LockedAccount {
  readonly accountId: AccountId;
  readonly kind: AccountKind;
  readonly currency: string;
  readonly status: AccountStatus;
  readonly balanceMinor: bigint;
  readonly floorMinor: bigint;
  readonly postingCount: bigint;
  /** The hash of its last posting in hex; empty before the first. */
  readonly head: string;
  readonly accountHolderId: string | null;
  /** What its signature says of it, which transfers in memory leave as it was. */
  readonly found: FoundHead;
}

/** The head that an account had when it was locked. */
export interface FoundHead {
  readonly postingCount: bigint;
  readonly balanceMinor: bigint;
  readonly head: string;
  /** In hex; empty where there is none. */
  readonly signature: string;
}

/** What is limited together: an account, or all accounts that a holder has with the fintech. */
export interface Limited {
  readonly rules: readonly LimitRules[];
  /** What was moved in the current periods, kept up to date in memory. Null where no rule needs it, or where it is not counted yet. */
  usage: Usage | null;
  /** Whether a rule needs the usage and there is more to count than a batch may count: see `countUsageOn`. */
  readonly uncounted: boolean;
  /** Set for a holder, whose usage, unlike an account's own, is stored with no account. */
  readonly holder: LimitedHolder | null;
}

/** All of the holder's accounts with the fintech, kept up to date in memory. */
export interface LimitedHolder {
  readonly accountHolderId: string;
  readonly version: bigint;
  postings: bigint;
  /** What they hold together, by currency; null where no rule needs it. */
  readonly balances: Map<string, bigint> | null;
}

export interface LimitRules {
  readonly source: "product" | "kyc" | "policy";
  /** The name of the product, level or policy. */
  readonly name: string;
  readonly rules: PolicyRules;
}

export interface LockedLedger {
  readonly tenant: Tenant;
  /** The accounts asked for that exist and are the tenant's. */
  readonly accounts: Map<AccountId, LockedAccount>;
  /** Earlier transfers under the request ids asked for, and those that the batch has planned since. */
  readonly posted: Map<string, PostedTransfer>;
  /** What limits an account, if anything does. */
  readonly limits: Map<AccountId, readonly Limited[]>;
  /** The current periods of the tenant's bank; null where nothing is limited. */
  readonly periods: PeriodStarts | null;
}

/** What is asked for. Positions count from 0. */
export interface LedgerQuestion {
  readonly tenants: readonly Tenant[];
  readonly accounts: readonly { readonly tenant: number; readonly accountId: AccountId }[];
  readonly requests: readonly { readonly tenant: number; readonly requestId: string }[];
  /** Tokens that are checked behind the gates of their tenants. */
  readonly tokens: readonly {
    readonly tenant: number;
    readonly applicationId: string;
    readonly tokenId: string;
  }[];
  /** Whether to wait for locks that others hold, up to 2 s each. */
  readonly waits: boolean;
  readonly now: Date;
}

export interface LedgerAnswer {
  /** For each token: `-` when it may write, `gate_closed`, or why not. */
  readonly refusals: readonly string[];
  /** For each token, the scopes and allow-lists that it has now (`token_policy` in migration 0085); `-` for one that does not exist. */
  readonly policies: readonly string[];
  /** The latest narrowing that these answers may know of; 0 where no token was asked about. */
  readonly epoch: number;
  /** For each tenant. */
  readonly ledgers: readonly LockedLedger[];
  /** For each tenant: existing accounts that another transaction has locked, by themselves or through the usage of their holder. */
  readonly held: readonly ReadonlySet<AccountId>[];
}

export interface LedgerRow {
  refusals: string | null;
  policies: string | null;
  epoch: string | null;
  accounts: string | null;
  held: string | null;
  transfers: { tenant: number; transfer: unknown }[] | null;
  limits: LimitsJson | null;
}

interface LimitsJson {
  days: number[];
  products:
    | {
        accounts: number[];
        name: string;
        rules: PolicyRules;
        usages: Record<string, string>;
        uncounted: number[];
      }[]
    | null;
  holders:
    | {
        tenant: number;
        holder: string;
        accounts: number[];
        rules: LimitRules[];
        usage: string | null;
        version: string | null;
        postings: string | null;
        uncounted: boolean;
        balances: Record<string, string> | null;
      }[]
    | null;
  held: number[];
}

/**
 * How many postings a batch reads at most to complete the usages that it needs, which takes some 10 ms. Larger counts are made outside of
 * batches, so that they neither keep others waiting nor are lost when the transaction ends.
 */
const countsMax = 1_000;

export function lockStatement({ tenants, accounts, requests, tokens, waits, now }: LedgerQuestion): string {
  const places = (things: readonly { readonly tenant: number }[]): string =>
    plainArrayLiteral(things.map(({ tenant }) => tenant + 1));
  const tenantsAndTokens = [
    ...tenantArrays(tenants),
    places(tokens),
    textArrayLiteral(tokens.map(({ applicationId }) => applicationId)),
    textArrayLiteral(tokens.map(({ tokenId }) => tokenId)),
  ];
  const [policies, epoch] =
    tokens.length === 0
      ? ["NULL", "NULL"]
      : [`token_policies(${tenantsAndTokens.join(", ")})`, "latest_epoch()"];
  return `SELECT *, ${policies} AS policies, ${epoch} AS epoch FROM begin_transfer_batch(${[
    String(waits),
    textLiteral(now.toISOString()),
    ...tenantsAndTokens,
    places(accounts),
    plainArrayLiteral(accounts.map(({ accountId }) => accountId)),
    places(requests),
    textArrayLiteral(requests.map(({ requestId }) => requestId)),
    String(countsMax),
  ].join(", ")})`;
}

export function readLedgers(question: LedgerQuestion, row: LedgerRow): LedgerAnswer {
  const ledgers = question.tenants.map((tenant, at) => ({
    tenant,
    accounts: new Map<AccountId, LockedAccount>(),
    posted: new Map<string, PostedTransfer>(),
    limits: new Map<AccountId, Limited[]>(),
    periods: row.limits ? periodStarts(row.limits.days[at] ?? 0) : null,
  }));
  const held = question.tenants.map(() => new Set<AccountId>());
  const accountAt = (position: string | number): LedgerQuestion["accounts"][number] =>
    question.accounts[Number(position) - 1] as LedgerQuestion["accounts"][number];
  const usages: string[] = [];
  for (const line of row.accounts?.split("\n") ?? []) {
    const [position, kind, currency, status, balance, floor, postingCount, head, holder, usage, signature] =
      line.split(" ") as AccountLine;
    const { tenant, accountId } = accountAt(position);
    const found = {
      balanceMinor: BigInt(balance),
      postingCount: BigInt(postingCount),
      head: head === "-" ? "" : head,
    };
    ledgers[tenant]?.accounts.set(accountId, {
      accountId,
      kind,
      currency,
      status,
      floorMinor: BigInt(floor),
      accountHolderId: holder === "-" ? null : holder,
      ...found,
      found: { ...found, signature: signature === "-" ? "" : signature },
    });
    usages[Number(position)] = usage;
  }
  for (const position of row.held?.split(" ") ?? []) {
    const { tenant, accountId } = accountAt(position);
    held[tenant]?.add(accountId);
  }
  for (const { tenant, transfer } of row.transfers ?? []) {
    const posted = parsePostedTransfer(transfer);
    ledgers[tenant - 1]?.posted.set(posted.requestId, posted);
  }
  if (row.limits) {
    const limit = (position: number, limited: Limited): void => {
      const { tenant, accountId } = accountAt(position);
      const limits = ledgers[tenant]?.limits;
      limits?.set(accountId, [...(limits.get(accountId) ?? []), limited]);
    };
    for (const { accounts, name, rules, usages: completed, uncounted } of row.limits.products ?? [])
      for (const position of accounts) {
        const known = usages[position] === "-" ? completed[position] : usages[position];
        limit(position, {
          rules: [{ source: "product", name, rules }],
          usage: known === undefined ? null : parseUsage(known),
          uncounted: uncounted.includes(position),
          holder: null,
        });
      }
    for (const { holder, accounts, rules, usage, version, postings, uncounted, balances } of row.limits
      .holders ?? []) {
      const limited: Limited = {
        rules,
        usage: usage === null ? null : parseUsage(usage),
        uncounted,
        holder: {
          accountHolderId: holder,
          version: BigInt(version ?? 0),
          postings: BigInt(postings ?? 0),
          balances:
            balances &&
            new Map(Object.entries(balances).map(([currency, balance]) => [currency, BigInt(balance)])),
        },
      };
      for (const position of accounts) limit(position, limited);
    }
    for (const position of row.limits.held) {
      const { tenant, accountId } = accountAt(position);
      held[tenant]?.add(accountId);
    }
  }
  return {
    refusals: row.refusals?.split(" ") ?? [],
    policies: row.policies?.split(" ") ?? [],
    epoch: Number(row.epoch ?? 0),
    ledgers,
    held,
  };
}

type AccountLine = [
  position: string,
  kind: AccountKind,
  currency: string,
  status: AccountStatus,
  balance: string,
  floor: string,
  postingCount: string,
  head: string,
  holder: string,
  usage: string,
  signature: string,
];

/** The tenants as the three arrays that the ledger's functions take. */
export function tenantArrays(
  tenants: readonly Tenant[],
): [ifis: string, environments: string, fintechs: string] {
  return [
    plainArrayLiteral(tenants.map(({ ifiId }) => ifiId)),
    plainArrayLiteral(tenants.map(({ environment }) => environment)),
    plainArrayLiteral(tenants.map(({ fintechId }) => fintechId)),
  ];
}

export function keyOfTenant({ ifiId, environment, fintechId }: Tenant): string {
  return `${ifiId}/${environment}/${fintechId}`;
}
