import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runningServerUrl } from "../server/src/platform/database/embedded-postgres.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  type TestFintech,
} from "../server/src/testing/fixtures.ts";
import { freePort } from "../server/src/testing/free-port.ts";
// Declares what the server's tests are provided with, which their fixtures name.
import type {} from "../server/src/testing/global-setup.ts";
import { arrangeSession } from "../server/src/testing/session-fixture.ts";
import { arrangeToken, type TestToken } from "../server/src/testing/token-fixture.ts";
import { findNginx } from "./bin/require-nginx.mjs";
import { type Product, startProduct } from "./support/product.ts";

// The sample configuration of docs/gateway.md in a real nginx, between a caller and a service that answers with what it was sent.

/** How often one token may call, sustained; a burst may have twenty times as many calls. */
const callsPerSecond = 2;
let product: Product;
let owner: pg.Pool;
let service: Server;
let nginx: ChildProcess;
let folder: string;
let url: string;
let fintech: TestFintech;
let cookie: string;
let newToken: (scopes?: string[]) => Promise<TestToken>;

beforeAll(async () => {
  product = await startProduct({
    env: { TRUSTED_PROXIES: "127.0.0.1", API_REQUESTS_PER_SECOND: String(callsPerSecond) },
  });
  owner = new pg.Pool({ connectionString: runningServerUrl(product.dataFolder)("fusion"), max: 2 });
  owner.on("error", () => undefined);
  fintech = await arrangeFintech(owner);
  const admin = await arrangeUser(owner, fintech, "fintech_admin");
  cookie = await arrangeSession(owner, admin);
  const applicationId = await arrangeApplication(owner, fintech);
  newToken = (scopes = ["admin"]) => arrangeToken(owner, applicationId, admin, { scopes });
  service = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    if (request.url === "/broken") response.statusCode = 500;
    response.end(JSON.stringify(request.headers));
  }).listen(0, "127.0.0.1");
  await once(service, "listening");
  await startNginx();
});
afterAll(async () => {
  if (nginx?.exitCode === null) {
    nginx.kill("SIGTERM");
    await once(nginx, "exit");
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
  service?.close();
  await owner?.end();
  await product?.remove();
});

/** Writes the three addresses of this run into the configuration, and keeps everything that nginx writes in a folder of its own. */
async function startNginx(): Promise<void> {
  const program = findNginx();
  if (!program) throw new Error("nginx is missing: node e2e/bin/require-nginx.mjs");
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const page = readFileSync(join(import.meta.dirname, "../docs/gateway.md"), "utf8");
  const [, sample = ""] = /```nginx\n(.*?)```/s.exec(page) ?? [];
  const configuration = Object.entries({
    "127.0.0.1:8080": new URL(product.url).host,
    "127.0.0.1:9000": `127.0.0.1:${(service.address() as AddressInfo).port}`,
    "127.0.0.1:8081": `127.0.0.1:${port}`,
  }).reduce((text, [from, to]) => {
    expect(text.split(from)).toHaveLength(2);
    return text.replace(from, to);
  }, sample);
  folder = mkdtempSync(join(tmpdir(), "fusion-nginx-"));
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid nginx.pid; error_log stderr;
     events {}
     http {
       access_log off;
       client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
       ${configuration}
     }`,
  );
  let said = "";
  nginx = spawn(program, ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  nginx.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  for (const deadline = performance.now() + 10_000; !(await answers(port)); await sleep(20))
    if (nginx.exitCode !== null || performance.now() > deadline)
      throw new Error(`nginx does not serve: ${said}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

const ask = (headers: Record<string, string>, path = "/orders/17"): Promise<Response> =>
  fetch(`${url}${path}`, { headers });
const present = (token: TestToken) => ({ "x-zeta-authtoken": token.secret });
const revoke = (token: TestToken): Promise<Response> =>
  fetch(`${product.url}/console/api/tokens/${token.tokenId}/revoke`, {
    method: "POST",
    headers: { cookie, "content-type": "application/json" },
    body: JSON.stringify({ reason: "compromised" }),
  });

describe("nginx in front of a service", () => {
  it("lets a good token pass and tells the service who is calling, whatever the caller claims, without the token", async () => {
    const token = await newToken();
    const answer = await ask({
      authorization: `Bearer ${token.secret}`,
      "x-fusion-client-id": "somebody else",
      "x-fusion-token-expires": "never",
    });
    expect(answer.status).toBe(200);
    const received = (await answer.json()) as IncomingHttpHeaders;
    expect(received).toMatchObject({
      "x-fusion-token-id": token.tokenId,
      "x-fusion-application-id": token.principal.applicationId,
      "x-fusion-client-id": fintech.clientId,
      "x-fusion-ifi-id": fintech.ifiId,
      "x-fusion-environment": "sandbox",
      "x-fusion-scopes": "admin",
    });
    for (const name of ["authorization", "x-zeta-authtoken", "x-fusion-token-expires"])
      expect(received).not.toHaveProperty(name);
  });

  it("refuses with 401 and 403, the reason, and the challenge once", async () => {
    const without = await ask({});
    expect(without.status).toBe(401);
    expect(without.headers.get("x-fusion-refusal")).toBe("token_missing");
    expect(without.headers.get("www-authenticate")).toBe('Bearer realm="Fusion"');

    const narrow = await ask(present(await newToken(["transfers:read"])));
    expect(narrow.status).toBe(403);
    expect(narrow.headers.get("x-fusion-refusal")).toBe("scope_insufficient");
    expect(narrow.headers.get("www-authenticate")).toMatch(
      /^Bearer realm="Fusion", error="insufficient_scope"[^,]*, scope="accounts:read"$/,
    );
    expect(narrow.headers.get("x-request-id")).toMatch(/^req_/);
  });

  it("refuses a token from the very request after its revocation was answered", async () => {
    for (let time = 0; time < 10; time += 1) {
      const token = await newToken();
      expect((await ask(present(token))).status).toBe(200);
      expect((await revoke(token)).status).toBe(200);
      const answer = await ask(present(token));
      expect(answer.status).toBe(401);
      expect(answer.headers.get("x-fusion-refusal")).toBe("token_revoked");
    }
  });

  it("says 400 to contradicting headers, not 500", async () => {
    const [one, other] = [await newToken(), await newToken()];
    const answer = await ask({ ...present(one), authorization: `Bearer ${other.secret}` });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("x-fusion-refusal")).toBe("conflicting_credentials");
  });

  it("says 431 to headers that are too large to be looked at, not 503, and does not count the service's cookies among them", async () => {
    const token = await newToken();
    const long = "x".repeat(6_000);
    const large = await ask({ ...present(token), "x-one": long, "x-two": long, "x-three": long });
    expect(large.status).toBe(431);
    const cookies = await ask({ ...present(token), cookie: `a=${long}`, "x-one": long, "x-two": long });
    expect(cookies.status).toBe(200);
    expect(await cookies.json()).toHaveProperty("cookie", `a=${long}`);
  });

  it("refuses an address that is not on the token's list with 403, whatever address the caller claims", async () => {
    const token = await newToken();
    const allow = async (ipAllowList: string[]): Promise<number> =>
      (
        await fetch(`${product.url}/console/api/tokens/${token.tokenId}/ip-allow-list`, {
          method: "PUT",
          headers: { cookie, "content-type": "application/json" },
          body: JSON.stringify({ ipAllowList }),
        })
      ).status;
    expect(await allow(["203.0.113.0/24"])).toBe(200);
    for (const claimed of [{}, { "x-forwarded-for": "203.0.113.7" }]) {
      const answer = await ask({ ...present(token), ...claimed });
      expect(answer.status).toBe(403);
      expect(answer.headers.get("x-fusion-refusal")).toBe("ip_not_allowed");
      expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
    }
    expect(await allow(["127.0.0.1"])).toBe(200);
    expect((await ask(present(token))).status).toBe(200);
  });

  it("says 429 with Retry-After to a token that calls too often, not 500, and lets others pass", async () => {
    const token = await newToken();
    const answers = await Promise.all(
      Array.from({ length: callsPerSecond * 20 + 20 }, () => ask(present(token))),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expect(answer.status).toBe(429);
      expect(answer.headers.get("x-fusion-refusal")).toBe("rate_limited");
      expect(answer.headers.get("retry-after")).toBe("1");
    }
    expect((await ask(present(await newToken()))).status).toBe(200);
  });

  it("leaves a 500 of the service as it is", async () => {
    expect((await ask(present(await newToken()), "/broken")).status).toBe(500);
  });

  // Ends the product, so it comes last.
  it("says 503, not 500, and lets nobody pass while nothing can be known", async () => {
    const token = await newToken();
    expect((await ask(present(token))).status).toBe(200);
    await product.stop();
    expect((await ask(present(token))).status).toBe(503);
  });
});
