import fc from "fast-check";
import { contentTypes, extraHeaders, methods, oddParts, oddTexts, oddValues } from "./malformed-values.ts";

// Requests that are wrong in every way a careless or hostile client can think of, including nearly valid ones.

/** One operation of an OpenAPI document, with everything for a correct call. */
export interface Operation {
  readonly method: string;
  /** Such as `/api/v1/ifi/{ifiID}/bundles/{bundleID}`. */
  readonly path: string;
  /** Parameters in the prefix that all addresses share; seldom wrong, or little else would be reached. */
  readonly shared: readonly string[];
  readonly queryNames: readonly string[];
  /** The least that the query must contain, such as `requestID=1`; empty for most. */
  readonly query: string;
  /** Values for the path's parameters: the correct one, then others that exist but are not the caller's. */
  readonly parameters: Readonly<Record<string, readonly [string, ...string[]]>>;
  /** Headers needed in addition to the caller's; `variant` makes calls differ. */
  readonly headers: ((variant: number) => Record<string, string>) | undefined;
  /** An accepted body; `variant` makes people and request ids differ. Undefined for operations without one. */
  readonly body: ((variant: number) => unknown) | undefined;
}

/** A caller, with the headers that prove who it is, or try to. */
export interface Caller {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TestRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string | string[]>;
  readonly payload?: string | Buffer;
}

/** Variants of wrong requests are below this number. */
const variantsMax = 2_000;

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

/** A correct call of the operation. */
export function rightRequest(operation: Operation, caller: Caller): TestRequest {
  return render(operation, {
    // Leaves the query alone, and is the variant of no other request.
    variant: variantsMax + 2,
    caller,
    method: undefined,
    parts: [],
    ending: "",
    query: [],
    contentType: "application/json",
    extra: {},
    body: [],
  });
}

/** Calls of the operation by one of the `usual` callers or, about one time in ten, by one of the `odd` ones. */
export function malformedRequest(
  operation: Operation,
  callers: { readonly usual: readonly Caller[]; readonly odd: readonly Caller[] },
): fc.Arbitrary<{ readonly caller: Caller; readonly request: TestRequest }> {
  return fc
    .record({
      variant: fc.nat(variantsMax),
      caller: mostly(fc.constantFrom(...callers.usual), 10, fc.constantFrom(...callers.odd)),
      method: mostly(fc.constant(undefined), 14, fc.constantFrom(...methods)),
      // Wrong more often where there is no body that could be wrong.
      parts: fc.tuple(
        mostly(fc.constant(undefined), operation.body ? 3 : 1, oddPart),
        mostly(fc.constant(undefined), 10, oddPart),
        mostly(fc.constant(undefined), 20, oddPart),
      ),
      ending: mostly(fc.constant(""), 10, fc.constantFrom("/", "//", "/x", "?", "#x", "?a=%", "%2f")),
      query: fc.array(fc.tuple(fc.nat(20), fc.constantFrom(...oddParts, "1", "5", "0", "1&pageNumber=2")), {
        maxLength: 3,
      }),
      contentType: mostly<string | undefined>(
        fc.constant("application/json"),
        10,
        fc.constantFrom(...contentTypes),
      ),
      extra: fc.constantFrom(...extraHeaders),
      body: fc.oneof(
        { weight: 8, arbitrary: fc.array(change, { maxLength: 3 }) },
        { weight: 1, arbitrary: fc.constantFrom(...oddTexts) },
        { weight: 1, arbitrary: fc.record({ keep: fc.double({ min: 0, max: 1, noNaN: true }) }) },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
      ),
    })
    .map((choice) => ({ caller: choice.caller, request: render(operation, choice) }));
}

function mostly<Value>(
  usual: fc.Arbitrary<Value>,
  weight: number,
  odd: fc.Arbitrary<Value>,
): fc.Arbitrary<Value> {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

/** A text, or the index of another value that exists. */
const oddPart = mostly<string | number | undefined>(fc.constantFrom(...oddParts), 3, fc.nat(10));

interface Choice {
  readonly variant: number;
  readonly caller: Caller;
  readonly method: string | undefined;
  /** For the last of the operation's own parameters, the one before it, and those that all operations share. */
  readonly parts: readonly (string | number | undefined)[];
  readonly ending: string;
  readonly query: readonly [number, string][];
  readonly contentType: string | undefined;
  readonly extra: Readonly<Record<string, string>>;
  readonly body: Change[] | string | { keep: number } | Uint8Array;
}

function render(operation: Operation, choice: Choice): TestRequest {
  const method = choice.method ?? operation.method;
  const query = queryOf(operation, choice);
  const headers: Record<string, string | string[]> = {
    ...operation.headers?.(choice.variant),
    ...choice.extra,
    ...choice.caller.headers,
  };
  if (choice.contentType !== undefined) headers["content-type"] = choice.contentType;
  const payload = method === "GET" || method === "HEAD" ? undefined : bodyOf(operation, choice);
  return {
    method,
    url: `${pathOf(operation, choice.parts)}${query === "" ? "" : `?${query}`}${choice.ending}`,
    headers,
    ...(payload === undefined ? {} : { payload }),
  };
}

function pathOf({ path, parameters, shared }: Operation, parts: Choice["parts"]): string {
  const own = [...path.matchAll(/\{(\w+)\}/g)]
    .map(([, name = ""]) => name)
    .filter((name) => !shared.includes(name));
  return path.replace(/\{(\w+)\}/g, (_whole, name: string) => {
    const [right = "x", ...others] = parameters[name] ?? [];
    const part = parts[shared.includes(name) ? 2 : own.length - 1 - own.indexOf(name)];
    return typeof part === "number" ? (others[part % others.length] ?? "x") : (part ?? right);
  });
}

function queryOf(operation: Operation, { variant, query }: Choice): string {
  const names = [...operation.queryNames, "pageNumber", "pageSize", "a[]"];
  const odd = query.map(([name, value]) => `${names[name % names.length]}=${value}`);
  // In two of three cases the required query is present, and in one of those it is alone.
  return (variant % 3 === 0 ? odd : variant % 3 === 1 ? [operation.query, ...odd] : [operation.query])
    .filter((part) => part !== "")
    .join("&");
}

function bodyOf(operation: Operation, { variant, body }: Choice): string | Buffer | undefined {
  const good = operation.body ? operation.body(variant) : {};
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (!Array.isArray(body)) {
    const text = JSON.stringify(good);
    return text.slice(0, Math.floor(text.length * body.keep));
  }
  // Without a body, the operation is called correctly.
  if (!operation.body && body.length === 0) return undefined;
  return JSON.stringify(body.reduce(applyChange, structuredClone(good)));
}

/** Changes one of the nodes of the value, chosen by its number. */
function applyChange(root: unknown, { at, action, value: shared }: Change): unknown {
  // A copy, since a later change may modify it.
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
