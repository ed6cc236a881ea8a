import { expect, it } from "vitest";
import { isUuid } from "./ids.ts";

it("only what PostgreSQL reads as one UUID has the form of one, in either case", () => {
  expect(isUuid("0f8fad5b-d9cb-469f-a165-70867728950e")).toBe(true);
  expect(isUuid("0F8FAD5B-D9CB-469F-A165-70867728950E")).toBe(true);
  for (const text of [
    "",
    "0f8fad5bd9cb469fa16570867728950e",
    "{0f8fad5b-d9cb-469f-a165-70867728950e}",
    "0f8fad5b-d9cb-469f-a165-70867728950g",
    "0f8fad5b-d9cb-469f-a165-70867728950e\n",
    " 0f8fad5b-d9cb-469f-a165-70867728950e",
  ])
    expect(isUuid(text), text).toBe(false);
});
