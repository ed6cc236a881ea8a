import { hash } from "node:crypto";
import type { TokenPrincipal } from "../access/principal.ts";
import { requireAccountHolder } from "../account-holders/get-account-holder.ts";
import { openAccount } from "../ledger/open-account.ts";
import type { Clock } from "../platform/clock.ts";
import type { Transaction } from "../platform/database/database.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import type { AccountProduct, Bundle, FormFactor } from "./bundle.ts";
import {
  findIssuance,
  type Issued,
  insertFormFactor,
  insertIssuance,
  insertResource,
  lockRequest,
} from "./bundle-store.ts";
import { AccountProductNotFound, BundleInactive, IssuanceMismatch } from "./errors.ts";
import { getBundle } from "./get-bundle.ts";

interface Dependencies {
  readonly clock: Clock;
  readonly random: Random;
}
type Caller = Pick<TokenPrincipal, "tenant" | "tokenId">;

export interface IssueBundleInput {
  readonly bundleId: string;
  readonly accountHolderId: string;
  /** The accounts' name; the bundle's when left out. */
  readonly name: string | undefined;
  /** For the phone form factor. */
  readonly phoneNumber: string | undefined;
  /** Makes the issuance idempotent; made when left out. */
  readonly requestId: string | undefined;
  readonly withCard: boolean;
  readonly withPhone: boolean;
}

export interface Issuance extends Issued {
  readonly requestId: string;
  readonly bundleId: string;
  readonly accountHolderId: string;
}

/**
 * Issues everything in the bundle to an account holder, in the caller's transaction, so all of it or nothing: an account for each account
 * product, a payment instrument (pointing at the first account) for each payment product, its card and phone unless unwanted. The same
 * bundle can be issued to the same holder again, which opens new accounts. A repeat of a request id with the same content gives the
 * first answer again.
 *
 * Throws `account_holder_not_found`, `bundle_not_found`, `bundle_inactive`, and {@link IssuanceMismatch} for a request id that was used
 * for something else.
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
      accountIds.push(await open(deps, tx, caller, { bundle, product, accountHolderId, name: input.name }));
    const targetAccountId = accountIds[0] ?? null;
    const now = deps.clock.now();
    const resources: { resourceId: string; targetAccountId: string | null }[] = [];
    for (const { paymentProductId } of bundle.paymentProducts) {
      const resourceId = randomUuid(deps.random);
      await insertResource(tx, caller.tenant, {
        resourceId,
        accountHolderId,
        bundleId: bundle.bundleId,
        paymentProductId,
        targetAccountId,
        status: "ACTIVE",
        createdAt: now,
        updatedAt: now,
      });
      for (const kind of formFactorKinds(input)) {
        await insertFormFactor(tx, caller.tenant, resourceId, {
          formFactorId: randomUuid(deps.random),
          kind,
          status: "ACTIVE",
          phoneNumber: kind === "PHONE" ? (input.phoneNumber ?? null) : null,
          createdAt: now,
        });
      }
      resources.push({ resourceId, targetAccountId });
    }
    return { accountIds, resources };
  });
}

export interface IssueAccountInput {
  readonly bundleId: string;
  readonly accountHolderId: string;
  readonly accountProductId: string;
  readonly name: string | undefined;
  readonly requestId: string | undefined;
}

/** Opens one account from one account product of the bundle. Idempotent and failing like {@link issueBundle}, and `account_product_not_found`. */
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
      accountIds: [await open(deps, tx, caller, { bundle, product, accountHolderId, name: input.name })],
      resources: [],
    };
  });
}

/** Answers a repeat from the record, or issues and records, under the request id's lock. */
async function issueOnce(
  { clock, random }: Dependencies,
  tx: Transaction,
  { tenant, tokenId }: Caller,
  input: {
    readonly bundleId: string;
    readonly accountHolderId: string;
    readonly requestId: string | undefined;
  },
  content: unknown,
  issue: (bundle: Bundle, accountHolderId: string) => Promise<Issued>,
): Promise<Issuance> {
  const requestId = input.requestId ?? randomUuid(random);
  const contentHash = hash("sha256", JSON.stringify(content), "buffer");
  await lockRequest(tx, tenant, requestId);
  const earlier = await findIssuance(tx, tenant, requestId);
  if (earlier && !earlier.contentHash.equals(contentHash)) throw new IssuanceMismatch();
  const { bundleId, accountHolderId } = input;
  if (earlier) return { ...earlier.issued, requestId, bundleId, accountHolderId };

  const bundle = await getBundle(tx, tenant, bundleId);
  if (bundle.status !== "ACTIVE") throw new BundleInactive();
  await requireAccountHolder(tx, tenant, accountHolderId);
  const issued = await issue(bundle, accountHolderId);
  await insertIssuance(tx, tenant, {
    requestId,
    bundleId,
    accountHolderId,
    contentHash,
    issued,
    requestedBy: tokenId,
    createdAt: clock.now(),
  });
  return { ...issued, requestId, bundleId, accountHolderId };
}

async function open(
  deps: Dependencies,
  tx: Transaction,
  { tenant }: Caller,
  what: { bundle: Bundle; product: AccountProduct; accountHolderId: string; name: string | undefined },
): Promise<string> {
  const account = await openAccount(tx, deps, tenant, {
    accountHolderId: what.accountHolderId,
    name: what.name ?? what.bundle.name,
    bundleId: what.bundle.bundleId,
    productId: what.product.productId,
    currency: what.product.currency,
    attributes: { "bundle.name": what.bundle.name },
  });
  return account.accountId;
}

function formFactorKinds({ withCard, withPhone }: IssueBundleInput): FormFactor["kind"][] {
  return [...(withCard ? (["CARD"] as const) : []), ...(withPhone ? (["PHONE"] as const) : [])];
}
