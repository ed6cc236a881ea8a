import type { InjectOptions, Response } from "light-my-request";
import type { HttpServer } from "../platform/http/server.ts";
import type { Message } from "../platform/messages/message.ts";

/** A browser with its cookie jar, without a network. Each browser is a device of its own. */
export interface TestBrowser {
  readonly cookies: Map<string, string>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

/** Paths are relative to `/console/api`. */
export function createTestBrowser(http: HttpServer, options: { ip?: string } = {}): TestBrowser {
  const cookies = new Map<string, string>();
  const request = async (injection: InjectOptions): Promise<Response> => {
    const response = await http.inject({
      ...injection,
      remoteAddress: options.ip ?? "203.0.113.7",
      headers: {
        "user-agent": "Test/1.0",
        ...(cookies.size > 0
          ? { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }
          : {}),
        ...injection.headers,
      },
    });
    for (const line of [response.headers["set-cookie"] ?? []].flat()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  return {
    cookies,
    post: (path, body, headers) =>
      request({
        method: "POST",
        url: `/console/api${path}`,
        ...(body === undefined ? {} : { payload: body as object }),
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      }),
    get: (path, headers = {}) => request({ method: "GET", url: `/console/api${path}`, headers }),
  };
}

/** The code in a message, as a person would read it. */
export function codeIn(letter: Message | undefined): string {
  const code = /\b(\d{6}|\d{8})\b/.exec(letter?.text ?? "")?.[1];
  if (code === undefined) throw new Error("There is no code in this message.");
  return code;
}
