import { z } from "zod";
import { looseBoolean, optional, optionalText, RequestId, Uuid, WordyTime, wireText } from "./common.ts";

// Bundles, what is issued from them, and payment instruments (reference sections 5 and 9).

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
  .meta({
    id: "IssueBundle",
    examples: [
      {
        accountHolderID: "3f0e5f1c-3c1f-4a52-9f2e-6f4c1a9b7d10",
        name: "Asha Rao",
        phoneNumber: "+919000000001",
        requestID: "7a1f4e0e-8f1d-4a0e-9b59-0a2c36d0c1aa",
      },
    ],
  });

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
    formFactors: z.array(
      z.looseObject({
        id: z.string(),
        type: z.string().describe("CARD or PHONE."),
        status: z.string(),
        createdAt: WordyTime,
      }),
    ),
    createdAt: WordyTime,
    updatedAt: WordyTime,
  })
  .meta({ id: "Resource" });
export type Resource = z.infer<typeof Resource>;

export const SetTarget = z
  .object({
    target: wireText(200)
      .transform((text) => text.replace(/^account:\/\//, ""))
      .describe("account://<accountID>, or the bare id."),
  })
  .meta({ id: "SetTarget", examples: [{ target: "account://0a2c36d0-8f1d-4a0e-9b59-7a1f4e0ec1aa" }] });
