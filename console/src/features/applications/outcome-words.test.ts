import { expect, test } from "vitest";
import { outcomeWords } from "./outcome-words.ts";

test("a search says how many applications and tokens it leaves, and of tokens nothing before it is known", () => {
  const words = (applications: number, tokens: number | undefined, more = false): string =>
    outcomeWords({ applications, of: 1_00_000, tokens, more });
  expect(words(0, 0)).toBe("No application or token has this.");
  expect(words(0, undefined)).toBe("");
  expect(words(1_200, 0)).toBe("1,200 of 1,00,000 applications");
  expect(words(0, 1)).toBe("1 token");
  expect(words(2, 20, true)).toBe("2 of 1,00,000 applications, 20 or more tokens");
});
