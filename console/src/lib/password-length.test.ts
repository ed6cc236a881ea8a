import { expect, test } from "vitest";
import { lengthFault, passwordLengthOf, passwordLengthWords } from "./password-length.ts";

test("a password is measured in characters, as the server does", () => {
  expect(passwordLengthOf("🔑🔑🔑")).toBe(3);
  expect(passwordLengthOf("e\u0301")).toBe(1);
});

test("the words say what is missing, and what is too much", () => {
  expect(passwordLengthWords(9)).toBe("9 of at least 15 characters");
  expect(passwordLengthWords(20)).toBe("20 characters");
  expect(passwordLengthWords(129)).toContain("at most 128");
  expect(lengthFault("abc")).toContain("Too short");
  expect(lengthFault("a".repeat(300))).toContain("Too long");
  expect(lengthFault("a".repeat(15))).toBeUndefined();
});
