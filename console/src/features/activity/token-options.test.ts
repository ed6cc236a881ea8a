import { expect, test } from "vitest";
import { tokenOptions } from "./token-options.ts";

test("two tokens of one name can be told apart", () => {
  const token = (tokenId: string, tokenName: string) => ({ tokenId, tokenName });
  const options = tokenOptions([
    token("tok_0001aaaa", "Payouts"),
    token("tok_0002bbbb", "Payouts"),
    token("tok_0003cccc", "Reports"),
  ]);
  expect(options.map(({ label }) => label)).toEqual(["Payouts (…aaaa)", "Payouts (…bbbb)", "Reports"]);
});
