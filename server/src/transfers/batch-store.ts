import type { TokenPrincipal } from "../access/principal.ts";
import type { AccountId, AccountKind, AccountStatus } from "../ledger/account.ts";
import type { LockedAccount, LockedLedger } from "../ledger/post.ts";
import { tenantArrays } from "../ledger/post-batch.ts";
import { type PostedTransfer, parsePostedTransfer } from "../ledger/posted-transfer.ts";
import { plainArrayLiteral, textArrayLiteral } from "../platform/database/sql-literals.ts";
import type { Tenant } from "../platform/ids.ts";
import type { TransferRequest } from "./decide-transfer.ts";

// What a batch asks of the database before it decides: `begin_transfer_batch` in migration 0009. Private to the room.

export interface AskedTransfer {
  readonly principal: TokenPrincipal;
  readonly request: TransferRequest;
}

/** A batch's distinct tenants, tokens and accounts, and where each transfer's are among them. */
export interface BatchQuestion {
  readonly tenants: readonly Tenant[];
  /** For each transfer: the position of its tenant (from 0) and of its token. */
  readonly places: readonly { readonly tenant: number; readonly token: number }[];
  readonly tokens: readonly TokenPrincipal[];
  readonly accounts: readonly { readonly tenant: number; readonly accountId: AccountId }[];
  readonly statement: string;
}

export interface BatchAnswer {
  /** For each token: `-` when it may write, `gate_closed`, or why not. */
  readonly refusals: readonly string[];
  /** For each tenant: its accounts that are locked now, and transfers made earlier. */
  readonly ledgers: readonly LockedLedger[];
  /** For each tenant: accounts that exist and that another transaction holds. */
  readonly held: readonly ReadonlySet<AccountId>[];
}

export interface BatchRow {
  refusals: string | null;
  accounts: string | null;
  held: string | null;
  transfers: (object & { tenant: number })[] | null;
}

/** `waits`: for locks that others hold, up to 2 s each; otherwise nothing is waited for. */
export function batchQuestion(asked: readonly AskedTransfer[], waits: boolean): BatchQuestion {
  const tenants = new Distinct<Tenant>();
  const tokens = new Distinct<TokenPrincipal>();
  const accounts = new Distinct<{ tenant: number; accountId: AccountId }>();
  const tokenTenants: number[] = [];
  const places = asked.map(({ principal, request }) => {
    const tenant = tenants.place(keyOfTenant(principal.tenant), principal.tenant);
    const token = tokens.place(principal.tokenId, principal);
    tokenTenants[token] = tenant + 1;
    for (const accountId of [request.debitAccountId, request.creditAccountId])
      accounts.place(`${tenant} ${accountId}`, { tenant, accountId });
    return { tenant, token };
  });
  const statement = `SELECT * FROM begin_transfer_batch(${[
    String(waits),
    ...tenantArrays(tenants.values),
    plainArrayLiteral(tokenTenants),
    textArrayLiteral(tokens.values.map(({ applicationId }) => applicationId)),
    textArrayLiteral(tokens.values.map(({ tokenId }) => tokenId)),
    plainArrayLiteral(accounts.values.map(({ tenant }) => tenant + 1)),
    plainArrayLiteral(accounts.values.map(({ accountId }) => accountId)),
    plainArrayLiteral(places.map(({ tenant }) => tenant + 1)),
    textArrayLiteral(asked.map(({ request }) => request.requestId)),
  ].join(", ")})`;
  return { tenants: tenants.values, places, tokens: tokens.values, accounts: accounts.values, statement };
}

export function readAnswer(question: BatchQuestion, row: BatchRow): BatchAnswer {
  const ledgers = question.tenants.map(() => ({
    accounts: new Map<AccountId, LockedAccount>(),
    posted: new Map<string, PostedTransfer>(),
  }));
  const held = question.tenants.map(() => new Set<AccountId>());
  const accountAt = (position: string): BatchQuestion["accounts"][number] =>
    question.accounts[Number(position) - 1] as BatchQuestion["accounts"][number];
  for (const line of row.accounts?.split("\n") ?? []) {
    const [position, kind, currency, status, balance, floor, postingCount] = line.split(" ") as [
      string,
      AccountKind,
      string,
      AccountStatus,
      string,
      string,
      string,
    ];
    const { tenant, accountId } = accountAt(position);
    ledgers[tenant]?.accounts.set(accountId, {
      accountId,
      kind,
      currency,
      status,
      balanceMinor: BigInt(balance),
      floorMinor: BigInt(floor),
      postingCount: BigInt(postingCount),
    });
  }
  for (const position of row.held?.split(" ") ?? []) {
    const { tenant, accountId } = accountAt(position);
    held[tenant]?.add(accountId);
  }
  for (const { tenant, ...transfer } of row.transfers ?? []) {
    const posted = parsePostedTransfer(transfer);
    ledgers[tenant - 1]?.posted.set(posted.requestId, posted);
  }
  return { refusals: row.refusals?.split(" ") ?? [], ledgers, held };
}

export function keyOfTenant({ ifiId, environment, fintechId }: Tenant): string {
  return `${ifiId}/${environment}/${fintechId}`;
}

/** Each thing once, in the order of first mention. */
class Distinct<Value> {
  readonly values: Value[] = [];
  readonly #places = new Map<string, number>();

  place(key: string, value: Value): number {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.values.push(value) - 1;
      this.#places.set(key, place);
    }
    return place;
  }
}
