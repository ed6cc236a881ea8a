import { hash } from "node:crypto";
import type { TokenPrincipal } from "../access/principal.ts";
import { requireAccountHolder } from "../account-holders/get-account-holder.ts";
import { openAccount } from "../ledger/open-account.ts";
import type { Clock } from "../platform/clock.ts";
import { confirmEarlierCommits } from "../platform/database/commit.ts";
import type { Transaction } from "../platform/database/database.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import { recordEvent } from "../webhooks/record-event.ts";
import type { AccountProduct, Bundle, FormFactor, Resource } from "./bundle.ts";
import {
  findIssuance,
  type Issued,
  insertFormFactor,
  insertIssuance,
  insertResource,
  lockRequest,
} from "./bundle-store.ts";
import { BundleInactive, IssuanceMismatch } from "./errors.ts";
import { getBundle } from "./get-bundle.ts";
import { formFactorContent, resourceContent } from "./instrument-events.ts";

// The part that every issuance has in common (issue-bundle.ts).

export interface Dependencies {
  readonly clock: Clock;
  readonly random: Random;
}
export type Caller = Pick<TokenPrincipal, "tenant" | "tokenId">;

export interface Issuance extends Issued {
  readonly requestId: string;
  readonly bundleId: string;
  readonly accountHolderId: string;
}

/** Under the request id's lock, answers a repeat from the record, or else issues and records. */
export async function issueOnce(
  { clock }: Pick<Dependencies, "clock">,
  tx: Transaction,
  { tenant, tokenId }: Caller,
  input: {
    readonly bundleId: string;
    readonly accountHolderId: string;
    readonly requestId: string;
  },
  content: unknown,
  issue: (bundle: Bundle, accountHolderId: string) => Promise<Issued>,
): Promise<Issuance> {
  const { requestId } = input;
  const contentHash = hash("sha256", JSON.stringify(content), "buffer");
  await lockRequest(tx, tenant, requestId);
  const earlier = await findIssuance(tx, tenant, requestId);
  if (earlier && !earlier.contentHash.equals(contentHash)) throw new IssuanceMismatch();
  const { bundleId, accountHolderId } = input;
  if (earlier) {
    await confirmEarlierCommits(tx);
    return { ...earlier.issued, requestId, bundleId, accountHolderId };
  }

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

/** Opens an account from one of the bundle's account products. */
export async function openFor(
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

/** Makes a payment instrument from one of the bundle's payment products, with the card and phone that are wanted. */
export async function makeResource(
  { clock, random }: Dependencies,
  tx: Transaction,
  { tenant }: Caller,
  what: {
    readonly bundle: Bundle;
    readonly accountHolderId: string;
    readonly paymentProductId: string;
    readonly targetAccountId: string | null;
    readonly phoneNumber: string | undefined;
    readonly withCard: boolean;
    readonly withPhone: boolean;
  },
): Promise<Issued["resources"][number]> {
  const { bundle, accountHolderId, paymentProductId, targetAccountId, phoneNumber } = what;
  const now = clock.now();
  const resourceId = randomUuid(random);
  const resource: Resource = {
    resourceId,
    accountHolderId,
    bundleId: bundle.bundleId,
    paymentProductId,
    targetAccountId,
    status: "ACTIVE",
    createdAt: now,
    updatedAt: now,
  };
  await insertResource(tx, tenant, resource);
  await recordEvent(tx, tenant, {
    name: "RESOURCE_CREATED",
    content: resourceContent(tenant, resource),
    occurredAt: now,
  });
  for (const kind of formFactorKinds(what)) {
    const formFactor: FormFactor = {
      formFactorId: randomUuid(random),
      kind,
      status: "ACTIVE",
      phoneNumber: kind === "PHONE" ? (phoneNumber ?? null) : null,
      createdAt: now,
    };
    await insertFormFactor(tx, tenant, resourceId, formFactor);
    await recordEvent(tx, tenant, {
      name: "FORM_FACTOR_CREATED",
      content: formFactorContent(tenant, resource, formFactor),
      occurredAt: now,
    });
  }
  return { resourceId, targetAccountId };
}

function formFactorKinds({
  withCard,
  withPhone,
}: {
  readonly withCard: boolean;
  readonly withPhone: boolean;
}): FormFactor["kind"][] {
  return [...(withCard ? (["CARD"] as const) : []), ...(withPhone ? (["PHONE"] as const) : [])];
}
