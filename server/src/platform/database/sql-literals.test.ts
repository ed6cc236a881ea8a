import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { plainArrayLiteral, textArrayLiteral, textLiteral } from "./sql-literals.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const system = { kind: "system" } as const;
const awkward = [
  "",
  "'",
  "''; DROP TABLE token; --",
  "\\",
  "\\'",
  '"',
  '\\"',
  "a,b",
  "{a}",
  "NULL",
  "null",
  " x ",
  "line\nbreak\r\t",
  "$1 $$ $x$",
  "E'\\x41'",
  "\u{1f9a6} \u202e é",
  "\u2028",
  "x".repeat(1_000),
];

describe("a value written into a statement", () => {
  it("comes back as it was, whatever it holds", async () => {
    for (const text of awkward) {
      const [row] = await database.db
        .reader(system)
        .query<{ text: string }>(`SELECT ${textLiteral(text)}::text AS text`);
      expect(row?.text).toBe(text);
    }
    const [row] = await database.db
      .reader(system)
      .query<{ texts: string[] }>(`SELECT ${textArrayLiteral(awkward)}::text[] AS texts`);
    expect(row?.texts).toEqual(awkward);
    const [empty] = await database.db
      .reader(system)
      .query<{ texts: string[] }>(`SELECT ${textArrayLiteral([])}::text[] AS texts`);
    expect(empty?.texts).toEqual([]);
  });

  it("needs no quotes only as a number, an id or a word: anything else is refused", async () => {
    const plain = ["140793", -5n, 7, "3f2b8c52-9f53-4b0e-a3a4-1d3f6c0a7a10", "live"];
    const [row] = await database.db
      .reader(system)
      .query<{ texts: string[] }>(`SELECT ${plainArrayLiteral(plain)}::text[] AS texts`);
    expect(row?.texts).toEqual(plain.map(String));
    for (const text of [
      "'",
      "}'::uuid[]); DROP TABLE token; --",
      "a,b",
      "",
      " ",
      "{",
      '"',
      "\\",
      "null",
      "NULL",
    ])
      expect(() => plainArrayLiteral(["1", text]), text).toThrow();
  });
});
