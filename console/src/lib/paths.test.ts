import { expect, test } from "vitest";
import { safeReturnPath } from "./paths.ts";

test("the path to return to after login keeps its search", () => {
  expect(safeReturnPath("/applications/app_1/tokens/tok_1?renew=1")).toBe(
    "/applications/app_1/tokens/tok_1?renew=1",
  );
});

test.each([
  undefined,
  "",
  "account",
  "https://evil.example/",
  "//evil.example/",
  "/\\evil.example/",
  "/\t/evil.example/",
  "javascript:alert(1)",
  "/login",
  "/login?return=%2Flogin",
])("%j does not lead away, nor back to the login", (path) => {
  expect(safeReturnPath(path)).toBe("/");
});
