/**
 * One call of the Fusion API as the reference shows it. The examples together are one story, told in order (`walkthrough.ts`): a test runs
 * it against the whole program and keeps the answers in `answers.json`. Ids are those of `example-ids.ts`; the test exchanges them for
 * those that the program gives.
 */
export interface Example {
  /** What the example shows; unique among the examples of its operation. */
  readonly title: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  /** The address below `/api/v1/ifi/{ifiID}`, as in the route but with `{accountID}` for `:accountID`. */
  readonly path: string;
  readonly version?: "v1" | "v2";
  /** The values for the path's parameters except the ifiID. */
  readonly at?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  /** False for the call that forgets its token. */
  readonly withToken?: false;
  /** 200 unless said otherwise. */
  readonly status?: number;
  /** Maps the place in the answer where an id first appears (`accounts.0.accountID`) to its name in the story. */
  readonly names?: Readonly<Record<string, string>>;
}

/** The operation's address, as in the OpenAPI document. */
export function addressOf({ path, version = "v1" }: Example): string {
  return `/api/${version}/ifi/{ifiID}${path}`;
}

/** The address with everything filled in. */
export function urlOf(example: Example, ifiId: string): string {
  const values: Readonly<Record<string, string>> = { ifiID: ifiId, ...example.at };
  const path = addressOf(example).replaceAll(/\{(\w+)\}/g, (_place, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The example "${example.title}" does not say its ${name}.`);
    return encodeGently(value);
  });
  const query = Object.entries(example.query ?? {})
    .map(([name, value]) => `${name}=${encodeGently(String(value))}`)
    .join("&");
  return query === "" ? path : `${path}?${query}`;
}

/** As people type it: a plus and an @ need no encoding in this API. */
function encodeGently(text: string): string {
  return encodeURIComponent(text).replaceAll("%2B", "+").replaceAll("%40", "@");
}
