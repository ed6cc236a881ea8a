import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { editedFiles, mutate, mutations } from "./mutations.ts";
import { fillStatement } from "./preload/fill-statement.ts";

describe("each mutation", () => {
  it.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
    "changes the source as it is now: %s",
    (_name, mutation) => {
      const files = editedFiles(mutation);
      expect(files.length).toBeGreaterThan(0);
      for (const { source, mutated } of files) expect(mutated).not.toBe(source);
    },
  );

  it("fails loudly when what it would change is not there, or is there more often", () => {
    const mutation = {
      name: "example",
      edits: [{ file: "a.ts", from: "x", to: "y" }],
      faults: [],
      breaks: ["acceptedAfterAnswer"],
    } as const;
    expect(mutate(mutation, "a.ts", "a x b")).toBe("a y b");
    expect(() => mutate(mutation, "a.ts", "a b")).toThrow("it is there 0 time(s)");
    expect(() => mutate(mutation, "a.ts", "x x")).toThrow("it is there 2 time(s)");
  });
});

it("readings of tokens arrive late by the statement that a node reads them with", () => {
  const store = join(import.meta.dirname, "../../server/src/tokens/token-store.ts");
  expect(readFileSync(store, "utf8").split(fillStatement)).toHaveLength(2);
});
