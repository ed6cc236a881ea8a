import { describe, expect, it } from "vitest";
import { nameInSms, oneLine } from "./name-in-message.ts";

describe("a name in a message", () => {
  it.each([
    ["Payouts v2", "Payouts v2"],
    ['A" was stolen. See https://fusi0n.example', "A' was stolen. See https---..."],
    ["fusi0n.example", "fusi0n-example"],
    ["fusi0n。example／x", "fusi0n-example-x"],
    ["x.भारत", "x-भारत"],
    ["198.51.100.7", "198-51-100-7"],
    ["K.V. Raman", "K.V. Raman"],
    ["”: ok. “x", "'- ok. 'x"],
    ["pay\u202Eouts\u2066", "payouts"],
    ["வேலை\u200C", "வேலை"],
  ])("%j is no link, ends no quotation and turns nothing in an SMS", (name, shown) => {
    expect(nameInSms(name)).toBe(shown);
  });

  it("has neither line breaks nor invisible characters in a subject, and is whole", () => {
    expect(oneLine(`${"a".repeat(40)}\u2028\r\nBcc: x\u202E\u00AD/y`)).toBe(`${"a".repeat(40)} Bcc: x/y`);
  });
});
