import { describe, expect, it } from "vitest";
import { formatMinor } from "./money.ts";

describe("an amount in minor units", () => {
  it("reads as people of India write it, exactly, however large", () => {
    expect(formatMinor("12345678", "INR")).toBe("₹1,23,456.78");
    expect(formatMinor("5", "INR")).toBe("₹0.05");
    expect(formatMinor("0", "INR")).toBe("₹0.00");
    expect(formatMinor("9007199254740993", "INR")).toBe("₹9,00,71,99,25,47,409.93");
  });
  it("keeps its sign, also below one rupee, and the digits of its currency", () => {
    expect(formatMinor("-100", "INR")).toBe("-₹1.00");
    expect(formatMinor("-5", "INR")).toBe("-₹0.05");
    expect(formatMinor("1500", "JPY")).toBe("JP¥1,500");
  });
});
