import { createResourceServer, type ResourceServerCredentials } from "../oauth/manage-resource-servers.ts";
import type { TestFintech } from "./fixtures.ts";
import type { TestApp } from "./test-app.ts";

/** A resource server of the fintech's bank (sandbox, all fintechs, unless told otherwise), as the operator would register it. */
export function arrangeResourceServer(
  { database, clock, random }: Pick<TestApp, "database" | "clock" | "random">,
  { ifiId }: Pick<TestFintech, "ifiId">,
  options: { environment?: "sandbox" | "live"; fintech?: string } = {},
): Promise<ResourceServerCredentials> {
  return createResourceServer(
    { db: database.db, clock, random },
    { kind: "cli", account: "test" },
    { name: "Statements", ifiId, environment: options.environment ?? "sandbox", fintech: options.fintech },
  );
}

/** `application/x-www-form-urlencoded`, as RFC 6749 clients send it. */
export function form(parameters: Record<string, string> | readonly (readonly [string, string])[]): {
  readonly headers: { readonly "content-type": string };
  readonly payload: string;
} {
  return {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    payload: new URLSearchParams(parameters as Record<string, string>).toString(),
  };
}

export function basic(id: string, secret: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` };
}
