import { PolicyRules } from "@fusion/contract/fusion/holder-services.ts";
import { z } from "zod";
import type { Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record.ts";
import { setAccountProductRules } from "../bundles/set-account-product-rules.ts";
import { parseInput } from "../fintechs/parse-input.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import { InvalidInput, NotFound } from "../platform/errors.ts";
import type { Environment, IfiId, Tenant } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { deleteKycLimit, selectKycLimits, upsertKycLimit } from "./kyc-limit-store.ts";

// Limits as data: of account products and KYC levels, for operators. Policies of a holder are the fintech's own (account-holders). All take
// effect with the next transfer, and what was moved in the current periods counts. Setting limits waits for no transfer.

interface Dependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** Sets, or with null removes, the limits of every account opened from an account product. Audited. Throws `account_product_not_found`. */
export async function setProductLimits(
  { db, random }: Omit<Dependencies, "clock">,
  actor: Principal,
  tenant: Tenant,
  product: { readonly bundleId: string; readonly accountProductId: string },
  rules: PolicyRules | null,
): Promise<void> {
  await db.transaction({ kind: "tenants", tenants: [tenant] }, async (tx) => {
    await setAccountProductRules(tx, tenant, product, rules);
    await recordAudit(tx, { random }, actor, {
      action: rules ? "limits.set" : "limits.removed",
      object: { kind: "account-product", id: product.accountProductId },
      fintech: tenant,
      details: { environment: tenant.environment, bundleId: product.bundleId, rules },
    });
  });
}

/**
 * Sets, or with null removes, the limits of every holder of a KYC level at a bank, whichever fintech submitted them. Those of MINIMAL also
 * apply while the bank has not approved a holder's level, or when it has expired. Audited. Throws `not_found` for a bank that is not there.
 */
export async function setKycLimits(
  { db, clock, random }: Dependencies,
  actor: Principal,
  level: { readonly ifiId: IfiId; readonly environment: Environment; readonly kycStatus: string },
  rules: PolicyRules | null,
): Promise<void> {
  await db.transaction(systemScope, async (tx) => {
    await assertBank(tx, level.ifiId);
    if (rules) await upsertKycLimit(tx, level, rules, clock.now());
    else await deleteKycLimit(tx, level);
    await recordAudit(tx, { random }, actor, {
      action: rules ? "limits.set" : "limits.removed",
      object: { kind: "kyc-level", id: level.kycStatus },
      fintech: null,
      details: { ifiId: level.ifiId, environment: level.environment, rules },
    });
  });
}

/** Ordered by level. Throws `not_found` for a bank that is not there. */
export function listKycLimits(
  { db }: Pick<Dependencies, "db">,
  bank: { readonly ifiId: IfiId; readonly environment: Environment },
): Promise<{ readonly kycStatus: string; readonly rules: PolicyRules }[]> {
  return db.transaction(systemScope, async (tx) => {
    await assertBank(tx, bank.ifiId);
    return selectKycLimits(tx, bank);
  });
}

/** A mistyped bank must not be answered as if it had no limits, or had none any more. */
async function assertBank(tx: Transaction, ifiId: IfiId): Promise<void> {
  const banks = await tx.query("SELECT FROM ifi WHERE ifi_id = $1", [ifiId]);
  if (banks.length === 0) throw new NotFound("There is no such bank.");
}

/** Reads limits from what an operator wrote as JSON. Throws {@link InvalidInput}, which names every mistake. */
export function parseLimits(text: string): PolicyRules {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InvalidInput("The limits are not JSON.");
  }
  return parseInput(z.strictObject(PolicyRules.shape), json);
}
