import fc from "fast-check";
import { expect, it } from "vitest";
import { JsonRefused, parseStrictJson } from "./strict-json.ts";

const paths = [["requestID"], ["deep", "amount"], ["each", "*"]];

it("keeps every digit of a number at a lossless path, however it is written, and of no other; one that loses none stays a number", () => {
  const digits = fc.stringMatching(/^[1-9]\d{0,24}$/);
  const written = fc.oneof(
    digits,
    digits.map((text) => `-${text}`),
    fc.constantFrom("0", "-0", "1.0", "-1.50", "1e2", "2E+3", "0.1"),
  );
  fc.assert(
    fc.property(fc.array(written, { minLength: 1, maxLength: 4 }), (numbers) => {
      const [first = ""] = numbers;
      const each = numbers.map((number, at) => `"${at}":${number}`);
      const parsed = parseStrictJson(
        `{"requestID":${first},"deep":{"amount" : ${first},"text":"9e9","requestID":${first}},"amount":${first},"each":{${each.join(",")}},"free":[{"requestID":${first}}]}`,
        paths,
      );
      const kept = (number: string) => (String(Number(number)) === number ? Number(number) : number);
      expect(parsed).toEqual({
        requestID: kept(first),
        deep: { amount: kept(first), text: "9e9", requestID: Number(first) },
        amount: Number(first),
        each: Object.fromEntries(numbers.map((number, at) => [at, kept(number)])),
        free: [{ requestID: Number(first) }],
      });
    }),
  );
});

it("leaves what is not there, and what is no number, as it is", () => {
  for (const text of ['{"deep":null}', '{"deep":[7],"each":1e2}', "[1]", "7", '{"requestID":"7"}'])
    expect(parseStrictJson(text, paths)).toEqual(JSON.parse(text));
});

it("reads what JSON.parse reads where nothing is to be kept digit by digit", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes("__proto__") && !text.includes("\\u"));
      expect(parseStrictJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

it("ignores a byte order mark at the beginning (RFC 8259 section 8.1), and no other", () => {
  expect(parseStrictJson('\ufeff{"a":"\ufeff"}')).toEqual({ a: "\ufeff" });
  for (const text of ["\ufeff\ufeff{}", "{}\ufeff", "\ufeff"])
    expect(() => parseStrictJson(text)).toThrow(JsonRefused);
});

it.each([
  ['{"a":1,"a":2}', "appears twice"],
  ['{"a":1,"\\u0061":2}', "appears twice"],
  ['{"__proto__":{}}', "__proto__"],
  [`${"[".repeat(33)}${"]".repeat(33)}`, "32 levels"],
  ['{"a":"\\u0000"}', "NUL"],
  ['{"a":"\\ud800"}', "surrogate"],
  ['{"amount":01}', "not valid JSON"],
  ['{"amount":1.}', "not valid JSON"],
  ['{"amount":-}', "not valid JSON"],
  ["", "not valid JSON"],
])("refuses %s", (text, reason) => {
  expect(() => parseStrictJson(text, paths)).toThrow(JsonRefused);
  expect(() => parseStrictJson(text, paths)).toThrow(reason);
});
