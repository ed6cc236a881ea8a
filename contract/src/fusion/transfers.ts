import { z } from "zod";
import {
  FreeObject,
  IfiPath,
  looseText,
  optional,
  optionalText,
  PathText,
  RequestId,
  Uuid,
  unlessMissing,
} from "./common.ts";

// Account-to-account transfers: wire contract, section 6.

/** The greatest amount that is parsed at all: the greatest int8. An account can hold far less. */
export const amountPaiseMax: bigint = 2n ** 63n - 1n;

/** Where the route must read numbers losslessly: long request ids, amounts beyond 2^53, and numbers sent where text is meant. */
export const transferLosslessPaths: readonly (readonly string[])[] = [
  ["requestID"],
  ["amount", "amount"],
  ["transferCode"],
  ["remarks"],
  ["attributes", "originalRequestID"],
];

/**
 * The exact whole number that a JSON number or a text writes (`500`, `"500"`, `"10.0"`, `1234.0`, `5e2`); undefined if it is none, or has
 * more digits than any amount. It never passes through a float, so that no paisa is lost.
 */
export function parseWholeNumber(text: string): bigint | undefined {
  const match = /^([+-]?)(\d{1,40})(?:\.(\d{0,40}))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (!match) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = `${whole}${fraction}`;
  // How many of the digits are before the decimal point.
  const point = whole.length + Number(exponent);
  if (/[1-9]/.test(digits.slice(Math.max(point, 0)))) return undefined;
  const integer = digits.slice(0, Math.max(point, 0)).replace(/^0+/, "");
  const zeros = integer === "" ? 0 : Math.max(point - digits.length, 0);
  if (integer.length + zeros > 40) return undefined;
  const value = BigInt(`${integer}${"0".repeat(zeros)}` || "0");
  return sign === "-" ? -value : value;
}

const notWholePaise = "is not a whole number of paise";
const AmountPaise = z
  .union([z.number(), z.string().max(100)], unlessMissing(notWholePaise))
  .transform((written, context) => {
    const amount = parseWholeNumber(String(written));
    if (amount !== undefined && amount <= amountPaiseMax && amount >= -amountPaiseMax) return amount;
    context.addIssue({
      code: "custom",
      message: amount === undefined ? notWholePaise : "is larger than any account can hold",
    });
    return z.NEVER;
  })
  .describe("Minor units (paise), a whole number above zero, as a number or as text.");

/** `transferTime` may be sent too, but is ignored. */
export const CreateTransfer = z.object({
  requestID: RequestId,
  amount: z.object({
    currency: looseText(16).describe("Such as INR."),
    amount: AmountPaise,
  }),
  transferCode: looseText(128)
    .refine((code) => code !== "", "is empty")
    .describe(
      "<Channel>_<Type>_AUTH or …_AUTH-REVERSAL: classifies the transfer for accounting. Any text is taken.",
    ),
  debitAccountID: Uuid.describe("The account that pays."),
  creditAccountID: Uuid.describe("The account that receives."),
  remarks: optionalText(1000).describe("Shown in both accounts' transactions."),
  attributes: optional(FreeObject).describe(
    "Free keys and values, kept with the transfer; up to 8 KiB of JSON. In a reversal originalTransferID or originalRequestID names what is reversed.",
  ),
});
export type CreateTransfer = z.output<typeof CreateTransfer>;

/** A transfer that happened. Clients read the first three; the rest says what was asked for. */
export const Transfer = z
  .object({
    requestID: z.string().describe("As sent, as text; made for you when you sent none."),
    transferID: z.string().describe("<yyyyMMddHHmmssSSS>_<number>_<requestID>, in UTC."),
    status: z.literal("SUCCESS"),
    amount: z.object({ currency: z.string(), amount: z.number().int() }),
    transferCode: z.string(),
    debitAccountID: z.string(),
    creditAccountID: z.string(),
    remarks: z.string(),
    attributes: z.record(z.string(), z.unknown()),
    timestamp: z.number().int().describe("When the money moved, in epoch milliseconds."),
  })
  .meta({ id: "Transfer" });
export type Transfer = z.infer<typeof Transfer>;

export const TransferPath = IfiPath.extend({
  transferID: PathText.describe("As answered by the creation."),
});

export const TransferByRequest = z.object({
  requestID: PathText.min(1, "is empty").describe("The requestID that the transfer was created with."),
});
