import { z } from "zod";
import {
  looseBoolean,
  looseWord,
  optional,
  optionalText,
  RequestId,
  Uuid,
  WordyTime,
  wireText,
} from "./common.ts";

// Bundles, what is issued from them, and payment instruments (wire contract, sections 5 and 9).

const accountName = optionalText(256).describe(
  "Becomes the account's name; the bundle's name when left out.",
);

export const IssueBundle = z
  .object({
    accountHolderID: Uuid.describe("The individualID that newIndividual answered."),
    name: accountName,
    phoneNumber: optionalText(40),
    requestID: RequestId,
    disableCardFFCreation: optional(looseBoolean).describe("Issue no cards."),
    disablePhoneFFCreation: optional(looseBoolean).describe("Issue no phone form factors."),
    disableFFCreation: optional(looseBoolean).describe("Issue no form factors at all."),
  })
  .meta({ id: "IssueBundle" });

export const IssuedBundle = z
  .looseObject({
    requestID: z.string().describe("As sent, or made by us."),
    accounts: z
      .array(z.looseObject({ bundleID: z.string(), accountHolderID: z.string(), accountID: z.string() }))
      .describe("One for each account product."),
    paymentInstruments: z
      .array(
        z.looseObject({
          bundleID: z.string(),
          resourceID: z.string(),
          status: z.string(),
          targetAccount: z.string().optional().describe("account://<accountID>"),
        }),
      )
      .describe("One for each payment product."),
  })
  .meta({ id: "IssuedBundle" });
export type IssuedBundle = z.infer<typeof IssuedBundle>;

export const IssueAccount = z
  .object({
    accountHolderID: Uuid.describe("The individualID that newIndividual answered."),
    accountProductID: Uuid.describe("The id of one of the bundle's account products."),
    name: accountName,
    requestID: RequestId,
  })
  .meta({ id: "IssueAccount" });

const accountReference = wireText(200)
  .transform((text) => text.replace(/^account:\/\//, ""))
  .describe("account://<accountID>, or the bare id.");
const withFormFactors = {
  accountHolderID: Uuid.describe("The individualID that newIndividual answered."),
  targetAccount: optional(accountReference).describe(
    "What it pays from, account://<accountID> or the bare id; nothing yet when left out.",
  ),
  phoneNumber: optionalText(40),
  requestID: RequestId,
  disableCardFFCreation: optional(looseBoolean).describe("Issue no cards."),
  disablePhoneFFCreation: optional(looseBoolean).describe("Issue no phone form factors."),
  disableFFCreation: optional(looseBoolean).describe("Issue no form factors at all."),
};

export const IssuePaymentProduct = z
  .object({
    paymentProductID: Uuid.describe("The id of one of the bundle's payment products."),
    ...withFormFactors,
  })
  .meta({ id: "IssuePaymentProduct" });

export const IssuePaymentProducts = z
  .object({
    paymentProductIDs: z.array(Uuid).min(1, "is empty").max(20).describe("One instrument is made for each."),
    ...withFormFactors,
  })
  .meta({ id: "IssuePaymentProducts" });

const instrument = {
  bundleID: z.string(),
  resourceID: z.string(),
  status: z.string(),
  targetAccount: z.string().optional().describe("account://<accountID>"),
};

export const IssuedPaymentProduct = z
  .looseObject({ requestID: z.string(), accountHolderID: z.string(), ...instrument })
  .meta({ id: "IssuedPaymentProduct" });
export type IssuedPaymentProduct = z.infer<typeof IssuedPaymentProduct>;

export const IssuedPaymentProducts = z
  .looseObject({
    requestID: z.string(),
    accountHolderID: z.string(),
    paymentInstruments: z.array(z.looseObject(instrument)),
  })
  .meta({ id: "IssuedPaymentProducts" });
export type IssuedPaymentProducts = z.infer<typeof IssuedPaymentProducts>;

export const IssuedAccount = z
  .looseObject({
    requestID: z.string(),
    accountID: z.string(),
    accountHolderID: z.string(),
    bundleID: z.string(),
  })
  .meta({ id: "IssuedAccount" });
export type IssuedAccount = z.infer<typeof IssuedAccount>;

const product = {
  id: z.string(),
  productName: z.string(),
  programIDs: z.string().describe("Always an empty text."),
  ifiID: z.number(),
};

export const Bundle = z
  .looseObject({
    id: z.string(),
    ifiID: z.number(),
    vboID: z.string().describe("The fintech."),
    fintechID: z.string().describe("The same, by its newer name."),
    name: z.string(),
    shortCode: z.string(),
    status: z.string().describe("ACTIVE or INACTIVE."),
    accountProducts: z.array(
      z.looseObject({
        ...product,
        productID: z.string().describe("19 digits."),
        type: z.literal("ACCOUNT"),
      }),
    ),
    paymentProducts: z.array(
      z.looseObject({
        ...product,
        description: z.string(),
        productID: z.string().describe("8 hex digits."),
        type: z.literal("PAYMENT"),
      }),
    ),
    createdAt: WordyTime,
    updatedAt: WordyTime,
  })
  .meta({ id: "Bundle" });
export type Bundle = z.infer<typeof Bundle>;
export const BundleList = z.array(Bundle);

export const FormFactor = z
  .looseObject({
    id: z.string(),
    type: z.string().describe("CARD or PHONE."),
    status: z.string().describe("ACTIVE, BLOCKED or DELETED."),
    phoneNumber: z.string().optional(),
    createdAt: WordyTime,
  })
  .meta({ id: "FormFactor" });
export type FormFactor = z.infer<typeof FormFactor>;

export const Resource = z
  .looseObject({
    id: z.string(),
    resourceID: z.string().describe("The same as id."),
    ifiID: z.number(),
    accountHolderID: z.string(),
    bundleID: z.string(),
    paymentProductID: z.string(),
    status: z.string().describe("ACTIVE, INACTIVE or DELETED."),
    targetAccount: z.string().optional().describe("account://<accountID>"),
    formFactors: z.array(FormFactor),
    createdAt: WordyTime,
    updatedAt: WordyTime,
  })
  .meta({ id: "Resource" });
export type Resource = z.infer<typeof Resource>;

export const SetTarget = z
  .object({
    target: accountReference,
  })
  .meta({ id: "SetTarget" });

/** Found by the account holder's id, or by a phone or email. */
export const ResourceList = z.object({ resources: z.array(Resource) }).meta({ id: "ResourceList" });

export const NewFormFactor = z
  .object({
    requestID: RequestId,
    type: looseWord(["CARD", "PHONE"]).describe("CARD or PHONE."),
    phoneNumber: optionalText(40).describe("Of a PHONE."),
  })
  .meta({ id: "NewFormFactor" });

export const SetFormFactorStatus = z
  .object({
    status: looseWord(["ACTIVE", "BLOCKED", "DELETED"]).describe("BLOCKED can be undone, DELETED cannot."),
  })
  .meta({ id: "SetFormFactorStatus" });
