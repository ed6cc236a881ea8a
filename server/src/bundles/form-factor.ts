import type { TokenPrincipal } from "../access/principal.ts";
import { answerOnce } from "../account-holders/answer-once.ts";
import { recordAudit } from "../audit/record.ts";
import type { Clock } from "../platform/clock.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Keys } from "../platform/keys.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import { recordEvent } from "../webhooks/record-event.ts";
import type { FormFactor, FormFactorStatus } from "./bundle.ts";
import { insertFormFactor, lockResource, updateFormFactorStatus } from "./bundle-store.ts";
import { FormFactorDeleted, FormFactorNotFound, FormFactorsExceeded } from "./errors.ts";
import { formFactorContent } from "./instrument-events.ts";
import { getResource } from "./resource.ts";

interface Dependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
}

const formFactorsMax = 50;

/**
 * Adds a card or phone to a payment instrument, once per request id; audited. Throws `resource_not_found`, {@link FormFactorDeleted} for a
 * deleted instrument, {@link FormFactorsExceeded}, `REQUEST_MISMATCH`.
 */
export async function addFormFactor(
  deps: Dependencies,
  tx: Transaction,
  principal: TokenPrincipal,
  input: {
    readonly resourceId: string;
    readonly kind: FormFactor["kind"];
    /** For a phone. */
    readonly phoneNumber: string | undefined;
    readonly requestId: string | undefined;
  },
): Promise<FormFactor> {
  const { tenant } = principal;
  const { resourceId } = await getResource(tx, tenant, input.resourceId);
  const { requestId, kind } = input;
  const phoneNumber = kind === "PHONE" ? (input.phoneNumber ?? null) : null;
  const request = { operation: "form-factor", requestId, content: { resourceId, kind, phoneNumber } };
  const answer = await answerOnce(deps, tx, principal, request, async () => {
    await lockResource(tx, tenant, resourceId);
    const resource = await getResource(tx, tenant, resourceId);
    if (resource.status === "DELETED") throw new FormFactorDeleted("payment instrument");
    if (resource.formFactors.length >= formFactorsMax) throw new FormFactorsExceeded();
    const formFactorId = randomUuid(deps.random);
    const createdAt = deps.clock.now();
    const formFactor: FormFactor = { formFactorId, kind, status: "ACTIVE", phoneNumber, createdAt };
    await insertFormFactor(tx, tenant, resourceId, formFactor);
    await recordEvent(tx, tenant, {
      name: "FORM_FACTOR_CREATED",
      content: formFactorContent(tenant, resource, formFactor),
      occurredAt: createdAt,
    });
    await recordAudit(tx, deps, principal, {
      action: "form-factor.added",
      object: { kind: "resource", id: resourceId },
      fintech: tenant,
      details: { formFactorId, kind, environment: tenant.environment },
    });
    return { formFactorId, createdAt: createdAt.toISOString() };
  });
  return { ...answer, createdAt: new Date(answer.createdAt), kind, phoneNumber, status: "ACTIVE" };
}

/**
 * Blocks, unblocks or deletes a card or phone; setting the same status again changes nothing. Audited. Throws `resource_not_found`,
 * {@link FormFactorNotFound}, {@link FormFactorDeleted}.
 */
export async function setFormFactorStatus(
  deps: Dependencies,
  tx: Transaction,
  principal: TokenPrincipal,
  input: { readonly resourceId: string; readonly formFactorId: string; readonly status: FormFactorStatus },
): Promise<FormFactor> {
  const { tenant } = principal;
  const { resourceId } = await getResource(tx, tenant, input.resourceId);
  await lockResource(tx, tenant, resourceId);
  const resource = await getResource(tx, tenant, resourceId);
  const found = resource.formFactors.find(
    ({ formFactorId }) => formFactorId === input.formFactorId.toLowerCase(),
  );
  if (!found) throw new FormFactorNotFound();
  const { formFactorId } = found;
  if (found.status === input.status) return found;
  if (found.status === "DELETED") throw new FormFactorDeleted("form factor");
  await updateFormFactorStatus(tx, tenant, resourceId, formFactorId, input.status);
  await recordAudit(tx, deps, principal, {
    action: "form-factor.status-set",
    object: { kind: "resource", id: resourceId },
    fintech: tenant,
    details: { formFactorId, status: input.status, environment: tenant.environment },
  });
  const changed: FormFactor = { ...found, status: input.status };
  await recordEvent(tx, tenant, {
    name: input.status === "DELETED" ? "FORM_FACTOR_DELETED" : "FORM_FACTOR_UPDATED",
    content: formFactorContent(tenant, resource, changed),
    occurredAt: deps.clock.now(),
  });
  return changed;
}
