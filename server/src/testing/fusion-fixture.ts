import type { Environment, Tenant } from "../platform/ids.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "./fixtures.ts";
import type { TestApp } from "./test-app.ts";
import { arrangeToken, type TestToken } from "./token-fixture.ts";

/** An answer of the Fusion API. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed; every answer is JSON. Untyped on purpose: tests say what they expect of it. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are judged by the tests, not by the compiler.
  readonly body: any;
}

/** A program of a fintech: its token, and a way to call the Fusion API with it. */
export interface TestClient {
  readonly fintech: TestFintech;
  readonly tenant: Tenant;
  readonly token: TestToken;
  /** `path` is below `/api/v1/ifi/{ifiID}`. */
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  put(path: string, body: unknown): Promise<Answer>;
  patch(path: string, body: unknown): Promise<Answer>;
}

/** A fintech (a new one unless named) with an application and a token that may do everything, or only `scopes`. */
export async function arrangeClient(
  { database, http }: Pick<TestApp, "database" | "http">,
  options: {
    fintech?: TestFintech;
    environment?: Environment;
    scopes?: readonly string[];
    ifiId?: string;
  } = {},
): Promise<TestClient> {
  const { owner } = database;
  const fintech = options.fintech ?? (await arrangeFintech(owner, options.ifiId));
  const environment = options.environment ?? "sandbox";
  const applicationId = await arrangeApplication(owner, fintech, environment, options.scopes ?? ["admin"]);
  const user = await arrangeUser(owner, fintech, "fintech_admin");
  const token = await arrangeToken(owner, applicationId, user, { scopes: options.scopes ?? ["admin"] });
  const call = async (
    method: "GET" | "POST" | "PUT" | "PATCH",
    path: string,
    body?: unknown,
  ): Promise<Answer> => {
    const response = await http.inject({
      method,
      url: `/api/v1/ifi/${fintech.ifiId}${path}`,
      headers: { "x-zeta-authtoken": token.secret, "content-type": "application/json" },
      ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.statusCode, headers: response.headers, body: JSON.parse(response.body) };
  };
  return {
    fintech,
    tenant: { ifiId: fintech.ifiId, environment, fintechId: fintech.fintechId },
    token,
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    put: (path, body) => call("PUT", path, body),
    patch: (path, body) => call("PATCH", path, body),
  };
}

let people = 0;

/** A phone and a PAN that no other person in the run has. */
export function newIdentity(): { phone: string; pan: string } {
  people += 1;
  const digits = String(people).padStart(4, "0");
  return { phone: `+91900${String(Date.now() % 1000).padStart(3, "0")}${digits}`, pan: `ABCDE${digits}F` };
}

/** The minimum that clients send to newIndividual (wire contract, section 4.1), for a new person unless given. */
export function individualBody(
  identity: { phone: string; pan: string } = newIdentity(),
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    ifiID: "140793",
    formID: `form-${Math.random()}`,
    individualType: "REAL",
    firstName: "Asha",
    lastName: "Rao",
    dob: { year: 1990, month: 1, day: 31 },
    gender: "",
    kycDetails: { kycStatus: "MINIMAL", authData: { PAN: identity.pan }, authType: "PAN" },
    vectors: [{ type: "p", value: identity.phone, isVerified: true }],
    ...more,
  };
}
