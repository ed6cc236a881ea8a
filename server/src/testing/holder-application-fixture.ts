import { type Decision, decideApplication } from "../account-holders/decide-application.ts";
import type { Answer, TestClient } from "./fusion-fixture.ts";
import type { TestApp } from "./test-app.ts";

/** A call of version 2; `path` is below `/api/v2/ifi/{ifiID}`. */
export async function postToV2(
  app: TestApp,
  who: TestClient,
  path: string,
  body: unknown,
): Promise<Pick<Answer, "status" | "body">> {
  const response = await app.http.inject({
    method: "POST",
    url: `/api/v2/ifi/${who.fintech.ifiId}${path}`,
    headers: { "x-zeta-authtoken": who.token.secret, "content-type": "application/json" },
    payload: JSON.stringify(body),
  });
  return { status: response.statusCode, body: response.json() };
}

/** The bank's decision on an application, by its command line. */
export function decideOn(
  app: TestApp,
  applicationNumber: string,
  decision: Decision = { kind: "approve" },
): ReturnType<typeof decideApplication> {
  return decideApplication(
    { ...app, db: app.database.db },
    { kind: "cli", account: "omar" },
    { applicationNumber, decision },
  );
}

/** An error's body without the id of its request. */
export const withoutTrace = (body: object): object => ({ ...body, traceID: "" });
