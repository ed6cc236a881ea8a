import { z } from "zod";
import { AccountHolder, email, phone, SubmittedPop } from "./account-holders.ts";
import { looseBoolean, looseText, optional, RequestId } from "./common.ts";

// Additions to an account holder: addresses and vectors. The paths are our choice, since none is documented (wire contract, section 10).

export const NewPop = SubmittedPop.extend({ requestID: RequestId }).meta({
  id: "NewPop",
});
export type NewPop = z.output<typeof NewPop>;

export const Pop = AccountHolder.shape.pops.element.meta({ id: "Pop" });
export const PopList = z.object({ pops: z.array(Pop) }).meta({ id: "PopList" });

const added = { requestID: RequestId, isVerified: optional(looseBoolean) };
const number = looseText(64).refine((text) => /[0-9A-Za-z]/.test(text), "is empty");

export const NewVector = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("p"), value: phone, ...added }),
    z.object({ type: z.literal("e"), value: email, ...added }),
    z.object({ type: z.literal("pan"), value: number, ...added }),
    z.object({ type: z.literal("aadhaar"), value: number, ...added }),
    z.object({ type: z.literal("passport"), value: number, ...added }),
  ])
  .meta({ id: "NewVector" });
export type NewVector = z.output<typeof NewVector>;

export const Vector = AccountHolder.shape.vectors.element.meta({ id: "Vector" });
export const VectorList = z.object({ vectors: z.array(Vector) }).meta({ id: "VectorList" });
