import { describe, expect, it } from "vitest";
import { amountPaiseMax, CreateTransfer, parseWholeNumber } from "./transfers.ts";

const body = {
  requestID: "r",
  amount: { currency: "INR", amount: 500 as unknown },
  transferCode: "A2A_P2P_AUTH",
  debitAccountID: "5A0F3F66-4d0c-4b57-9d0e-2f6a0a4c1b11",
  creditAccountID: "8c1de0a7-6a55-4f0c-8b1f-7f2b5c9d2e22",
};
const amountOf = (amount: unknown): unknown => {
  const parsed = CreateTransfer.safeParse({ ...body, amount: { currency: "INR", amount } });
  return parsed.success ? parsed.data.amount.amount : "refused";
};

describe("an amount of paise", () => {
  it.each([
    [500, 500n],
    ["500", 500n],
    ["10.0", 10n],
    [1234.0, 1234n],
    ["1234.000", 1234n],
    ["5e2", 500n],
    ["1.5E1", 15n],
    ["500e-2", 5n],
    [" 7 ", 7n],
    ["+7", 7n],
    ["007", 7n],
    ["0", 0n],
    ["-3", -3n],
    ["1.", 1n],
    ["9007199254740993", 9_007_199_254_740_993n],
    [String(amountPaiseMax), amountPaiseMax],
  ])("%j is understood", (written, expected) => {
    expect(amountOf(written)).toBe(expected);
  });

  it.each([
    0.5,
    "0.01",
    "10.5",
    "1e-1",
    "",
    " ",
    "abc",
    "1,000",
    "0x10",
    "NaN",
    "Infinity",
    "1e999",
    "1e99",
    String(amountPaiseMax + 1n),
    "9".repeat(99),
    Number.NaN,
    true,
    null,
    [5],
    {},
    undefined,
  ])("%j is refused", (written) => {
    expect(amountOf(written)).toBe("refused");
  });

  it("is never read through a float", () => {
    expect(parseWholeNumber("0.1e1")).toBe(1n);
    expect(parseWholeNumber("123456789012345678.00")).toBe(123_456_789_012_345_678n);
    expect(parseWholeNumber("0e300")).toBe(0n);
  });
});

describe("the rest of a transfer", () => {
  it("may lack whatever clients leave out, or have null for it", () => {
    const { requestID: _, ...without } = body;
    for (const sparse of [without, { ...body, requestID: null, remarks: null, attributes: null }]) {
      const parsed = CreateTransfer.parse(sparse);
      expect([parsed.requestID, parsed.remarks, parsed.attributes]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
  });

  it("ignores keys it does not know, transferTime among them", () => {
    expect(CreateTransfer.parse({ ...body, transferTime: "soon", ifiID: [] })).not.toHaveProperty(
      "transferTime",
    );
  });

  it("takes a number as request id, and account ids in upper case", () => {
    const parsed = CreateTransfer.parse({ ...body, requestID: 12345 });
    expect(parsed.requestID).toBe("12345");
    expect(parsed.debitAccountID).toBe(body.debitAccountID.toLowerCase());
  });

  it.each([
    ["a request id with NUL", { requestID: "a\u0000" }],
    ["a request id of 257 characters", { requestID: "a".repeat(257) }],
    ["half a surrogate pair in the remarks", { remarks: "\ud800" }],
    ["NUL in the attributes", { attributes: { a: ["\u0000"] } }],
    ["attributes that are no object", { attributes: [1] }],
    ["an account id that is no UUID", { debitAccountID: "1" }],
    ["no transfer code", { transferCode: "" }],
    ["no amount", { amount: undefined }],
    ["a bare amount", { amount: 5 }],
  ])("is refused with %s", (_what, override) => {
    expect(CreateTransfer.safeParse({ ...body, ...override }).success).toBe(false);
  });
});
