import type { Limited, LimitRules, LockedLedger } from "../ledger/locked-ledger.ts";
import { type Direction, type LimitPeriod, limitPeriods, usedIn } from "../ledger/usage.ts";
import type { TransferRequest } from "./decide-transfer.ts";
import { type LimitCode, LimitExceeded, LimitsNotCounted } from "./limit-errors.ts";

/** For each period, its code for too many and its code for too much (wire contract, section 3.4). */
const periodCodes = {
  DAY: ["LE400002", "LE400011"],
  WEEK: ["LE400003", "LE400012"],
  MONTH: ["LE400004", "LE400013"],
  QUARTER: ["LE400005", "LE400014"],
  YEAR: ["LE400006", "LE400015"],
} as const satisfies Record<LimitPeriod, readonly [LimitCode, LimitCode]>;

/**
 * Why the limits of the two accounts forbid a transfer; undefined when they do not. The debit account comes first, then the credit account,
 * and for each its product's limits, then its holder's (KYC level, then policies by name). Within one set of rules the first that fails
 * answers:
 *
 * 1. the transfer code is disallowed (LE400020), or only others are allowed (LE400021). This applies to the direction that the rules give;
 *    by default to debits for a policy, and to both directions for other rules
 * 2. the amount is below the minimum (LE400009) or above the maximum (LE400001) of one transfer
 * 3. from the shortest period to the longest: too many (LE400002-06), too much (LE400011-15)
 * 4. the credit account, or for a holder's rules all accounts of the credit account's holder in the currency together, would hold too much
 *    (LE400007); moving between accounts of one holder adds nothing
 *
 * Before all of these, in either direction, a set whose usage is not counted yet answers LimitsNotCounted. From then on it is counted.
 */
export function refuseByLimits(
  ledger: LockedLedger,
  request: TransferRequest,
): LimitExceeded | LimitsNotCounted | undefined {
  for (const [direction, accountId] of [
    ["DEBIT", request.debitAccountId],
    ["CREDIT", request.creditAccountId],
  ] as const)
    for (const limited of ledger.limits.get(accountId) ?? []) {
      if (limited.uncounted)
        return new LimitsNotCounted(
          ledger.tenant,
          limited.holder ? { accountHolderId: limited.holder.accountHolderId } : { accountId },
        );
      for (const rules of limited.rules) {
        const code = broken(ledger, limited, rules, direction, request);
        if (code) return new LimitExceeded(code, { ...rules, direction, accountId });
      }
    }
  return undefined;
}

function broken(
  ledger: LockedLedger,
  limited: Limited,
  { source, rules }: LimitRules,
  direction: Direction,
  request: TransferRequest,
): LimitCode | undefined {
  const { usage } = limited;
  const { amountMinor, transferCode } = request;
  // A fintech's list says how its customers may pay, not how they are paid. A bank's list covers all that an account is for.
  const codesOf = rules.transferCodeDirection ?? (source === "policy" ? "DEBIT" : direction);
  if (codesOf === direction) {
    if (rules.disallowedTransferCodes?.includes(transferCode)) return "LE400020";
    if (rules.allowedTransferCodes && !rules.allowedTransferCodes.includes(transferCode)) return "LE400021";
  }
  const limits = (rules.limits ?? []).filter((limit) => (limit.direction ?? "DEBIT") === direction);
  for (const limit of limits) {
    if (limit.minimumAmount !== undefined && amountMinor < limit.minimumAmount) return "LE400009";
    if (limit.period === "TRANSACTION" && exceeds(amountMinor, limit.maximumAmount)) return "LE400001";
  }
  for (const period of limitPeriods)
    for (const limit of limits) {
      if (limit.period !== period || !usage || !ledger.periods) continue;
      const used = usedIn(usage, ledger.periods, direction, period);
      if (exceeds(used.count + 1, limit.maximumCount)) return periodCodes[period][0];
      if (exceeds(used.amountMinor + Number(amountMinor), limit.maximumAmount)) return periodCodes[period][1];
    }
  const { maximumBalance } = rules;
  if (direction === "CREDIT" && maximumBalance !== undefined)
    if (heldAfter(ledger, limited, request) > maximumBalance) return "LE400007";
  return undefined;
}

/** What everything under the same limit would hold together; 0 when the transfer stays within it. */
function heldAfter(
  ledger: LockedLedger,
  limited: Limited,
  { debitAccountId, creditAccountId, currency, amountMinor }: TransferRequest,
): bigint {
  if (ledger.limits.get(debitAccountId)?.includes(limited)) return 0n;
  const held =
    limited.holder?.balances?.get(currency) ?? ledger.accounts.get(creditAccountId)?.balanceMinor ?? 0n;
  return held + amountMinor;
}

/** JavaScript compares a bigint with a number exactly. */
function exceeds(value: bigint | number, maximum: number | undefined): boolean {
  return maximum !== undefined && value > maximum;
}
