import { randomUUID } from "node:crypto";
import type { PersonToLogIn } from "./console.ts";
import { readCode } from "./product.ts";

/** The console's API as its own pages use it: a session cookie, and JSON both ways. */
export interface ConsoleSession {
  call<Body>(method: "GET" | "POST", path: string, body?: unknown): Promise<Body>;
}

/** Logs in over HTTP: identifier, one-time code, password. */
export async function openSession(url: string, person: PersonToLogIn): Promise<ConsoleSession> {
  const cookies = new Map<string, string>();
  const call = async <Body>(method: "GET" | "POST", path: string, body?: unknown): Promise<Body> => {
    const answer = await fetch(`${url}/console/api${path}`, {
      method,
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
        "idempotency-key": randomUUID(),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as Body;
  };
  const asked = new Date();
  await call("POST", "/login/start", { identifier: person.identifier });
  await call("POST", "/login/code", { code: await readCode(url, person.address, asked) });
  await call("POST", person.first ? "/login/new-password" : "/login/password", { password: person.password });
  return { call };
}
