import fc from "fast-check";

// Requests that are wrong in every way a careless or hostile client can think of, and near-valid ones among them.

/** One operation of the document, with what makes a call of it right. */
export interface Operation {
  readonly method: string;
  /** Such as `/api/v1/ifi/{ifiID}/bundles/{bundleID}`. */
  readonly path: string;
  readonly queryNames: readonly string[];
  /** What the query must say at least, such as `requestID=1`; empty for most. */
  readonly query: string;
  /** Values for the path's parameters that exist. */
  readonly parameters: Readonly<Record<string, string>>;
  /** A body that is accepted; `variant` tells people and request ids apart. Undefined for operations without one. */
  readonly body: ((variant: number) => unknown) | undefined;
}

export interface TestRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string | string[]>;
  readonly payload?: string | Buffer;
}

/** Values that no field expects, or that are just beyond what one takes. */
const oddValues: readonly unknown[] = [
  null,
  true,
  "true",
  "",
  " ",
  0,
  -1,
  1.5,
  1e21,
  -1e308,
  Number.MAX_SAFE_INTEGER + 2,
  "NaN",
  "10.0",
  "-5",
  "1e9",
  "0x10",
  "９９",
  [],
  {},
  [[]],
  { $ne: null },
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udc00x",
  "\ufeff",
  "\u202e",
  "'; DROP TABLE token; --",
  "{{7*7}}",
  "../../etc/passwd",
  "constructor",
  "x".repeat(5_000),
  "💰".repeat(300),
  "00000000-0000-0000-0000-000000000000",
  "account://",
  { amount: "500", currency: 5 },
  ["p", "+919000000001"],
  { year: 2024, month: 2, day: 30 },
  { toString: 1, valueOf: 2, __defineGetter__: 3 },
];

const oddTexts: readonly string[] = [
  "",
  " ",
  "{",
  "[",
  "null",
  "true",
  "1",
  '"text"',
  "[]",
  "[{}]",
  "{}",
  "{'a':1}",
  '{"a":1,}',
  '{"a":1}{"b":2}',
  '{"a":1,"a":2}',
  '{"__proto__":{"admin":true}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"requestID":1e400,"amount":{"amount":1e400,"currency":"INR"}}',
  '{"requestID":1e999999,"formID":-0.0e-5}',
  '{"accountHolderID":NaN}',
  '{"a":"\\ud800"}',
  '{"a":"\\u0000"}',
  '{"a":"\u0001"}',
  `${"[".repeat(40)}${"]".repeat(40)}`,
  `${'{"a":'.repeat(31)}1${"}".repeat(31)}`,
  `"${"x".repeat(70_000)}"`,
  `{"requestID":${"9".repeat(5_000)}}`,
  "\ufeff{}",
  "<xml/>",
  "a=b&c=d",
];

const oddParts: readonly string[] = [
  "",
  "%00",
  "%",
  "%zz",
  "%E0%A4%A",
  "%ff%fe",
  "%2e%2e%2f",
  "..",
  ".",
  "+",
  "%2B91",
  "*",
  ":ifiID",
  "{ifiID}",
  "'",
  "%22",
  "%0d%0aX-Injected:%201",
  "null",
  "undefined",
  "-1",
  "9999999999999999999999999",
  "00000000-0000-4000-8000-000000000000",
  "00000000-0000-4000-8000-00000000000g",
  "%F0%9F%92%B0",
  "%ED%A0%80",
  "x".repeat(600),
  "a;b=c",
  "a/b/c",
  "/",
];

const contentTypes: readonly (string | undefined)[] = [
  undefined,
  "",
  "text/plain",
  "application/xml",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "multipart/form-data",
  "application/json; charset=utf-16",
  "application/json;charset=latin1",
  "APPLICATION/JSON",
  "application/json, application/json",
  "application/json/x",
  "application/vnd.api+json",
  ";",
  "x".repeat(2_000),
];

const extraHeaders: readonly Record<string, string>[] = [
  {},
  {},
  {},
  { accept: "text/html" },
  { "accept-encoding": "br" },
  { "content-encoding": "gzip" },
  { "content-length": "abc" },
  { "content-length": "999999999" },
  { "x-http-method-override": "DELETE" },
  { "if-none-match": "*" },
  { range: "bytes=0-1" },
  { "user-agent": "\u0001".repeat(10) },
  { "x-forwarded-for": "not an address" },
  { "x-request-id": "mine\u0000" },
  { "idempotency-key": "x".repeat(5_000) },
  { host: "" },
  { expect: "200-ok" },
];

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"];

const change = fc.record({
  at: fc.nat(10_000),
  action: fc.constantFrom("replace", "replace", "replace", "remove", "add", "wrap", "retype"),
  value: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...oddValues) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
    { weight: 1, arbitrary: fc.double() },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  ),
});
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

/** Requests over all of `operations`, carrying one of `tokens` (undefined: none); the first token is the likeliest and is good. */
export function malformedRequest(
  operations: readonly Operation[],
  tokens: readonly (string | undefined)[],
  ifiId: string,
): fc.Arbitrary<{ readonly operation: Operation; readonly request: TestRequest }> {
  const mostly = <Value>(usual: Value, weight: number, odd: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
    fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
  return fc
    .record({
      operation: fc.constantFrom(...operations),
      variant: fc.nat(2_000),
      method: mostly<string | undefined>(undefined, 14, fc.constantFrom(...methods)),
      ifi: mostly(ifiId, 20, fc.constantFrom(...oddParts, `0${ifiId}`, "304876")),
      part: mostly<string | undefined>(undefined, 3, fc.constantFrom(...oddParts)),
      ending: mostly("", 10, fc.constantFrom("/", "//", "/x", "?", "#x", "?a=%", "%2f")),
      query: fc.array(fc.tuple(fc.nat(20), fc.constantFrom(...oddParts, "1", "5", "0", "1&pageNumber=2")), {
        maxLength: 3,
      }),
      token: mostly(tokens[0], 10, fc.constantFrom(...tokens)),
      header: mostly<"x" | "bearer" | "both">("x", 6, fc.constantFrom("bearer", "both")),
      contentType: mostly<string | undefined>("application/json", 10, fc.constantFrom(...contentTypes)),
      extra: fc.constantFrom(...extraHeaders),
      body: fc.oneof(
        { weight: 8, arbitrary: fc.array(change, { maxLength: 3 }) },
        { weight: 1, arbitrary: fc.constantFrom(...oddTexts) },
        { weight: 1, arbitrary: fc.record({ keep: fc.double({ min: 0, max: 1, noNaN: true }) }) },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
      ),
    })
    .map((choice) => ({ operation: choice.operation, request: render(choice) }));
}

function render(choice: {
  operation: Operation;
  variant: number;
  method: string | undefined;
  ifi: string;
  part: string | undefined;
  ending: string;
  query: [number, string][];
  token: string | undefined;
  header: "x" | "bearer" | "both";
  contentType: string | undefined;
  extra: Record<string, string>;
  body: Change[] | string | { keep: number } | Uint8Array;
}): TestRequest {
  const { operation } = choice;
  const path = operation.path.replace(/\{(\w+)\}/g, (_whole, name: string) =>
    name === "ifiID" ? choice.ifi : (choice.part ?? operation.parameters[name] ?? "x"),
  );
  const names = [...operation.queryNames, "pageNumber", "pageSize", "a[]"];
  const odd = choice.query.map(([name, value]) => `${names[name % names.length]}=${value}`);
  // Two times in three what must be there is there, and once alone.
  const query = (
    choice.variant % 3 === 0 ? odd : choice.variant % 3 === 1 ? [operation.query, ...odd] : [operation.query]
  )
    .filter((part) => part !== "")
    .join("&");
  const headers: Record<string, string | string[]> = { ...choice.extra };
  if (choice.token !== undefined) {
    if (choice.header !== "bearer") headers["X-Zeta-AuthToken"] = choice.token;
    if (choice.header !== "x") headers.Authorization = `Bearer ${choice.token}`;
  }
  if (choice.contentType !== undefined) headers["content-type"] = choice.contentType;
  const method = choice.method ?? operation.method;
  const payload = method === "GET" || method === "HEAD" ? undefined : bodyOf(choice);
  return {
    method,
    url: `${path}${query === "" ? "" : `?${query}`}${choice.ending}`,
    headers,
    ...(payload === undefined ? {} : { payload }),
  };
}

function bodyOf({
  operation,
  variant,
  body,
}: {
  operation: Operation;
  variant: number;
  body: Change[] | string | { keep: number } | Uint8Array;
}): string | Buffer {
  const good = operation.body?.(variant) ?? {};
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (!Array.isArray(body)) {
    const text = JSON.stringify(good);
    return text.slice(0, Math.floor(text.length * body.keep));
  }
  return JSON.stringify(body.reduce(applyChange, structuredClone(good)));
}

/** Changes one of the nodes of the value, which one by its number. */
function applyChange(root: unknown, { at, action, value: shared }: Change): unknown {
  // A copy, since a later change may reach into it.
  const value: unknown = structuredClone(shared);
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const key of Object.keys(node)) {
      places.push({ holder: node as Record<string, unknown>, key });
      walk((node as Record<string, unknown>)[key]);
    }
  };
  walk(root);
  const place = places[at % (places.length + 1)];
  if (!place) return action === "add" && typeof root === "object" ? { ...root, extra: value } : value;
  const { holder, key } = place;
  const old = holder[key];
  if (action === "remove") {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  } else if (action === "add") {
    if (Array.isArray(holder)) holder.push(value);
    else holder[`${key}2`] = value;
  } else if (action === "wrap") holder[key] = [old];
  else if (action === "retype") holder[key] = typeof old === "string" ? Number(old) : JSON.stringify(old);
  else holder[key] = value;
  return root;
}
