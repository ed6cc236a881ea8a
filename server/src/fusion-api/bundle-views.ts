import type {
  Bundle as WireBundle,
  FormFactor as WireFormFactor,
  Resource as WireResource,
} from "@fusion/contract/fusion/bundles.ts";
import type { Bundle, FormFactor, ResourceWithFormFactors } from "../bundles/bundle.ts";
import type { Tenant } from "../platform/ids.ts";
import { wordyTime } from "./time-formats.ts";

/** The wire's name of the account that a payment instrument pays from; nothing where there is no account. */
export function targetOf(accountId: string | null): { targetAccount?: string } {
  return accountId === null ? {} : { targetAccount: `account://${accountId}` };
}

/** Wire contract, section 9. */
export function bundleView(bundle: Bundle, tenant: Tenant): WireBundle {
  const ifiID = Number(tenant.ifiId);
  return {
    id: bundle.bundleId,
    ifiID,
    vboID: tenant.fintechId,
    fintechID: tenant.fintechId,
    name: bundle.name,
    shortCode: bundle.shortCode,
    status: bundle.status,
    accountProducts: bundle.accountProducts.map(({ accountProductId, productName, productId }) => ({
      id: accountProductId,
      productName,
      productID: productId,
      type: "ACCOUNT",
      programIDs: "",
      ifiID,
    })),
    paymentProducts: bundle.paymentProducts.map(
      ({ paymentProductId, productName, description, productId }) => ({
        id: paymentProductId,
        productName,
        description,
        productID: productId,
        type: "PAYMENT",
        programIDs: "",
        ifiID,
      }),
    ),
    createdAt: wordyTime(bundle.createdAt),
    updatedAt: wordyTime(bundle.updatedAt),
  };
}

/** No source attests this body (wire contract, section 9); its words are those of issueBundle's answer. */
export function resourceView(resource: ResourceWithFormFactors, tenant: Tenant): WireResource {
  return {
    id: resource.resourceId,
    resourceID: resource.resourceId,
    ifiID: Number(tenant.ifiId),
    accountHolderID: resource.accountHolderId,
    bundleID: resource.bundleId,
    paymentProductID: resource.paymentProductId,
    status: resource.status,
    ...targetOf(resource.targetAccountId),
    formFactors: resource.formFactors.map(formFactorView),
    createdAt: wordyTime(resource.createdAt),
    updatedAt: wordyTime(resource.updatedAt),
  };
}

export function formFactorView(formFactor: FormFactor): WireFormFactor {
  const { formFactorId, kind, status, phoneNumber, createdAt } = formFactor;
  return {
    id: formFactorId,
    type: kind,
    status,
    ...(phoneNumber === null ? {} : { phoneNumber }),
    createdAt: wordyTime(createdAt),
  };
}
