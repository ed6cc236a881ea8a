import { expect, test } from "vitest";
import { ApiProblem } from "./api.ts";
import { isTakenBack } from "./use-shown.ts";

test("what is gone, or not for this person any more, is taken back; what could not be asked for is not", () => {
  const answered = (status: number) => isTakenBack(new ApiProblem({ status, code: "", detail: "" }));
  expect([403, 404].map(answered)).toEqual([true, true]);
  expect([0, 401, 409, 429, 500, 503].map(answered)).toEqual(Array(6).fill(false));
  expect(isTakenBack(null)).toBe(false);
});
