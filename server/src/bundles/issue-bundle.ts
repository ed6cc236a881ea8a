import { getTenantAccount } from "../ledger/read-accounts.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Issued } from "./bundle-store.ts";
import { AccountProductNotFound, PaymentProductNotFound } from "./errors.ts";
import {
  type Caller,
  type Dependencies,
  type Issuance,
  issueOnce,
  makeResource,
  openFor,
} from "./issue-once.ts";

export interface IssueBundleInput {
  readonly bundleId: string;
  readonly accountHolderId: string;
  /** The accounts' name; the bundle's when left out. */
  readonly name: string | undefined;
  /** For the phone form factor. */
  readonly phoneNumber: string | undefined;
  /** Makes the issuance idempotent. */
  readonly requestId: string;
  readonly withCard: boolean;
  readonly withPhone: boolean;
}

/**
 * Issues everything in the bundle to an account holder, all of it or nothing, in the caller's transaction. Each account product gives an
 * account. Each payment product gives a payment instrument that points at the first account, with its card and phone unless unwanted. The
 * same bundle can be issued to the same holder again, which opens new accounts. A repeat of a request id with the same content gets the
 * first answer again.
 *
 * Throws `account_holder_not_found`, `bundle_not_found`, `bundle_inactive`, and `REQUEST_MISMATCH` for a request id that was used for
 * something else.
 */
export async function issueBundle(
  deps: Dependencies,
  tx: Transaction,
  caller: Caller,
  input: IssueBundleInput,
): Promise<Issuance> {
  const { requestId: _own, ...content } = input;
  return issueOnce(deps, tx, caller, input, ["issueBundle", content], async (bundle, accountHolderId) => {
    const accountIds: string[] = [];
    for (const product of bundle.accountProducts)
      accountIds.push(
        await openFor(deps, tx, caller, { bundle, product, accountHolderId, name: input.name }),
      );
    const targetAccountId = accountIds[0] ?? null;
    const resources: Issued["resources"][number][] = [];
    for (const { paymentProductId } of bundle.paymentProducts)
      resources.push(
        await makeResource(deps, tx, caller, {
          ...input,
          bundle,
          accountHolderId,
          paymentProductId,
          targetAccountId,
        }),
      );
    return { accountIds, resources };
  });
}

export interface IssueAccountInput {
  readonly bundleId: string;
  readonly accountHolderId: string;
  readonly accountProductId: string;
  readonly name: string | undefined;
  readonly requestId: string;
}

/**
 * Opens one account from one account product of the bundle. Idempotent as {@link issueBundle}; throws what it throws, and
 * `account_product_not_found`.
 */
export async function issueAccount(
  deps: Dependencies,
  tx: Transaction,
  caller: Caller,
  input: IssueAccountInput,
): Promise<Issuance> {
  const { requestId: _own, ...content } = input;
  return issueOnce(deps, tx, caller, input, ["issueAccount", content], async (bundle, accountHolderId) => {
    const product = bundle.accountProducts.find((one) => one.accountProductId === input.accountProductId);
    if (!product) throw new AccountProductNotFound();
    return {
      accountIds: [await openFor(deps, tx, caller, { bundle, product, accountHolderId, name: input.name })],
      resources: [],
    };
  });
}

export interface IssuePaymentProductsInput {
  readonly bundleId: string;
  readonly accountHolderId: string;
  /** At least one. Each makes a payment instrument, even when named twice. */
  readonly paymentProductIds: readonly string[];
  /** The account of the same fintech that the instruments pay from; none yet when left out. */
  readonly targetAccountId: string | undefined;
  readonly phoneNumber: string | undefined;
  readonly requestId: string;
  readonly withCard: boolean;
  readonly withPhone: boolean;
}

/**
 * Makes payment instruments from payment products of the bundle, all of them or none. Idempotent as {@link issueBundle}; throws what it
 * throws, and `payment_product_not_found`, `account_not_found`.
 */
export async function issuePaymentProducts(
  deps: Dependencies,
  tx: Transaction,
  caller: Caller,
  input: IssuePaymentProductsInput,
): Promise<Issuance> {
  const { requestId: _own, ...content } = input;
  return issueOnce(
    deps,
    tx,
    caller,
    input,
    ["issuePaymentProducts", content],
    async (bundle, accountHolderId) => {
      const known = new Set(bundle.paymentProducts.map(({ paymentProductId }) => paymentProductId));
      if (!input.paymentProductIds.every((id) => known.has(id))) throw new PaymentProductNotFound();
      const targetAccountId =
        input.targetAccountId === undefined
          ? null
          : (await getTenantAccount(tx, caller.tenant, input.targetAccountId)).accountId;
      const resources: Issued["resources"][number][] = [];
      for (const paymentProductId of input.paymentProductIds)
        resources.push(
          await makeResource(deps, tx, caller, {
            ...input,
            bundle,
            accountHolderId,
            paymentProductId,
            targetAccountId,
          }),
        );
      return { accountIds: [], resources };
    },
  );
}
