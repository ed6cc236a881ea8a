import type { Tenant } from "../platform/ids.ts";
import type { EventContent } from "../webhooks/webhook-event.ts";
import type { FormFactor, Resource } from "./bundle.ts";

// What the events about payment instruments say. The phone number is left out: a program that needs it reads it with a token.

export function resourceContent({ ifiId }: Tenant, resource: Resource): EventContent {
  return {
    uri: `/api/v1/ifi/${ifiId}/resources/${resource.resourceId}`,
    state: resource.status,
    data: {
      resourceID: resource.resourceId,
      accountHolderID: resource.accountHolderId,
      bundleID: resource.bundleId,
      paymentProductID: resource.paymentProductId,
      status: resource.status,
      ...(resource.targetAccountId === null
        ? {}
        : { targetAccount: `account://${resource.targetAccountId}` }),
    },
  };
}

export function formFactorContent(tenant: Tenant, resource: Resource, formFactor: FormFactor): EventContent {
  return {
    uri: resourceContent(tenant, resource).uri,
    state: formFactor.status,
    data: {
      formFactorID: formFactor.formFactorId,
      resourceID: resource.resourceId,
      accountHolderID: resource.accountHolderId,
      type: formFactor.kind,
      status: formFactor.status,
    },
  };
}
