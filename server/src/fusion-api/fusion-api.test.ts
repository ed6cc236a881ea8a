import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { FusionError, looseBoolean, looseInteger, RequestId } from "@fusion/contract/fusion/common.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { TokenPrincipal } from "../access/principal.ts";
import { ChangeUnconfirmed } from "../leases/errors.ts";
import { manualClock } from "../platform/clock.ts";
import { DomainError } from "../platform/errors.ts";
import { limitCalls, limitRates } from "../platform/http/rate-limit.ts";
import { createHttpServer, type HttpServer } from "../platform/http/server.ts";
import type { ApplicationId, FintechId, IfiId, TokenId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { TokenMissing, TokenPolicyChanged, TokenRevoked } from "../tokens/errors.ts";
import { callerOf, registerFusionApi } from "./fusion-api.ts";

// The wire layer alone: a few routes of the test's own behind two known tokens.

const clock = manualClock("2026-11-24T05:30:00.000Z");
const principal: TokenPrincipal = {
  kind: "token",
  tokenId: "tok_1" as TokenId,
  applicationId: "app_1" as ApplicationId,
  tenant: { ifiId: "140793" as IfiId, environment: "sandbox", fintechId: randomUUID() as FintechId },
  scopes: ["accounts:read"],
  policy: "0.0",
  expiresAt: new Date("2027-11-23T05:30:00.000Z"),
};
const tokens: Record<string, TokenPrincipal> = {
  admin: { ...principal, scopes: ["admin"] },
  reader: principal,
  ending: { ...principal, scopes: ["admin"], expiresAt: new Date("2026-12-09T05:30:00.000Z") },
};
class NoMoney extends DomainError {
  readonly kind = "forbidden";
  readonly code = "insufficient_balance";
  constructor() {
    super("Insufficient balance in Account", { extensions: { errorCode: "LE400008" } });
  }
}

/** No process could still accept a token here. */
const nodes = { untilAllKnow: async () => ({ confirmed: 0, total: 0 }) };
let http: HttpServer;
const seen: unknown[] = [];
beforeAll(async () => {
  http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [], https: false });
  registerFusionApi(
    http,
    {
      clock,
      nodes,
      authenticate: async (request) => {
        const secret = request.headers["x-zeta-authtoken"];
        if (secret === undefined) throw new TokenMissing();
        const found = tokens[String(secret)];
        if (!found) throw new TokenRevoked("tok_2" as TokenId);
        return found;
      },
    },
    (v1) => {
      v1.get("/things/:thingID", { config: { requiredScope: "accounts:read" } }, async (request) => ({
        params: request.params,
        tokenId: callerOf(request).tokenId,
      }));
      v1.post(
        "/things",
        {
          schema: {
            body: z.object({
              requestID: RequestId,
              amount: looseInteger,
              flag: looseBoolean,
              count: looseInteger,
            }),
          },
          config: { requiredScope: "transfers:write", losslessPaths: [["requestID"]] },
        },
        async (request) => {
          seen.push(request.body);
          return { requestID: request.body.requestID, amount: request.body.amount };
        },
      );
      v1.post("/broke", { config: { requiredScope: "transfers:write" } }, async () => {
        throw new NoMoney();
      });
      v1.post("/bug", { config: { requiredScope: "transfers:write" } }, async () => {
        throw new TypeError("secret detail");
      });
    },
  );
  await http.listen({ port: 0, host: "127.0.0.1" });
});
afterAll(() => http.close());

const base = "/api/v1/ifi/140793";
function call(
  method: string,
  url: string,
  options: { token?: string; body?: string; headers?: Record<string, string> } = {},
) {
  return http.inject({
    method: method as "GET",
    url,
    headers: {
      ...(options.token === undefined ? {} : { "x-zeta-authtoken": options.token }),
      ...(options.body === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { payload: options.body }),
  });
}
/** Sends bytes that no client library has touched, and returns the status line, headers and body. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect((http.server.address() as AddressInfo).port, "127.0.0.1", () =>
      socket.write(text),
    );
    let answer = "";
    socket.on("data", (bytes) => {
      answer += bytes;
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}
function envelopeOf(response: { body: string; headers: Record<string, unknown> }): FusionError {
  expect(response.headers["content-type"]).toMatch(/^application\/json/);
  return FusionError.parse(JSON.parse(response.body));
}
const goodThing = { requestID: "r-1", amount: "10.0", flag: "true", count: "05" };

describe("200", () => {
  it("reads numbers and booleans from text", async () => {
    const response = await call("POST", `${base}/things`, {
      token: "admin",
      body: JSON.stringify(goodThing),
    });
    expect(response.statusCode).toBe(200);
    expect(seen.at(-1)).toEqual({ requestID: "r-1", amount: 10, flag: true, count: 5 });
  });

  it("a requestID may be a number of any length, and keeps every digit", async () => {
    const digits = "123456789012345678901234567890123456789";
    const response = await call("POST", `${base}/things`, {
      token: "admin",
      body: `{"requestID": ${digits}, "amount": 5, "flag": true, "count": 1}`,
    });
    expect(response.json().requestID).toBe(digits);
    const long = "f".repeat(128);
    expect(
      (
        await call("POST", `${base}/things`, {
          token: "admin",
          body: JSON.stringify({ ...goodThing, requestID: long }),
        })
      ).json().requestID,
    ).toBe(long);
  });

  it("a trailing slash changes nothing and redirects nowhere; a bare plus in the path is a plus", async () => {
    const answers = await Promise.all(
      ["/things/+919000000001", "/things/+919000000001/", "/things/%2B919000000001"].map((path) =>
        raw(
          `GET ${base}${path} HTTP/1.1\r\nHost: x\r\nX-Zeta-AuthToken: reader\r\nConnection: close\r\n\r\n`,
        ),
      ),
    );
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1.1 200 /);
      expect(answer).toContain('"thingID":"+919000000001"');
    }
    expect(
      (await call("POST", `${base}/things/`, { token: "admin", body: JSON.stringify(goodThing) })).statusCode,
    ).toBe(200);
  });

  it("a GET with a JSON content type and no body is no parse error", async () => {
    const response = await call("GET", `${base}/things/1`, {
      token: "reader",
      headers: { "content-type": "application/json" },
    });
    expect(response.statusCode).toBe(200);
  });

  it("ignores a byte order mark before the body", async () => {
    const body = `\ufeff${JSON.stringify({ requestID: "r", amount: 1, flag: true, count: 1 })}`;
    expect((await call("POST", `${base}/things`, { token: "admin", body })).statusCode).toBe(200);
  });

  it("ignores keys it does not know", async () => {
    const body = JSON.stringify({ ...goodThing, BundleID: "x", ifiID: 1 });
    expect((await call("POST", `${base}/things`, { token: "admin", body })).statusCode).toBe(200);
  });

  it("says when the token ends, from 15 days before", async () => {
    const ending = await call("GET", `${base}/things/1`, { token: "ending" });
    expect(ending.headers["x-fusion-token-expires"]).toBe("2026-12-09T05:30:00.000Z");
    const young = await call("GET", `${base}/things/1`, { token: "reader" });
    expect(young.headers["x-fusion-token-expires"]).toBeUndefined();
  });
});

describe("a write that is refused as revoked", () => {
  const refused = async (errors: Error[], untilAllKnow: (epoch: number) => Promise<never>) => {
    const other = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
    let policy = 0;
    const authenticate = async (): Promise<TokenPrincipal> => ({
      ...principal,
      scopes: ["admin"],
      policy: `0.${policy++}`,
    });
    registerFusionApi(other, { authenticate, clock, nodes: { untilAllKnow } }, (v1) => {
      v1.post("/things", { config: { requiredScope: "transfers:write" } }, async () => {
        throw errors.shift();
      });
    });
    const answer = await other.inject({ method: "POST", url: `${base}/things` });
    await other.close();
    return { status: answer.statusCode, code: answer.json().code };
  };
  const tokenId = "tok_1" as TokenId;

  it("is told so when every node knows, at its second attempt too", async () => {
    const known: number[] = [];
    const untilAllKnow = async (epoch: number) => void known.push(epoch) as never;
    const errors = [new TokenPolicyChanged(tokenId), new TokenRevoked(tokenId, 7)];
    expect(await refused(errors, untilAllKnow)).toEqual({ status: 401, code: "token_revoked" });
    expect(known).toEqual([7]);
  });

  it("is never told that it is written when the nodes cannot be asked", async () => {
    const untilAllKnow = async () => {
      throw new ChangeUnconfirmed();
    };
    expect(await refused([new TokenRevoked(tokenId, 7)], untilAllKnow)).toEqual({
      status: 503,
      code: "token_state_unknown",
    });
  });
});

describe("400", () => {
  it("names the wrong fields in additionalInfo and the first in the message", async () => {
    const body = JSON.stringify({ ...goodThing, amount: "10.5", flag: "yes" });
    const error = envelopeOf(await call("POST", `${base}/things`, { token: "admin", body }));
    expect(error).toMatchObject({
      code: "invalid_input",
      errorCode: "FU4000",
      message: "Bad request: amount: is not a whole number",
      additionalInfo: { amount: "is not a whole number", flag: "is neither true nor false" },
    });
  });

  it("says what it would take where a value is of another type", async () => {
    const body = JSON.stringify({ requestID: true, amount: [], flag: 1, count: "9007199254740992" });
    const error = envelopeOf(await call("POST", `${base}/things`, { token: "admin", body }));
    expect(error.additionalInfo).toEqual({
      requestID: "is neither text nor a number",
      amount: "is not a whole number",
      flag: "is neither true nor false",
      count: "is further from zero than 9007199254740991",
    });
  });

  it("says of a field that is not there that it is missing", async () => {
    const { amount: _none, ...rest } = goodThing;
    for (const [thing, fields] of [
      [rest, { amount: "is missing" }],
      [
        { ...rest, flag: null },
        { amount: "is missing", flag: "is missing" },
      ],
    ] as const) {
      const body = JSON.stringify(thing);
      const error = envelopeOf(await call("POST", `${base}/things`, { token: "admin", body }));
      expect([error.message, error.additionalInfo]).toEqual(["Bad request: amount: is missing", fields]);
    }
    const nothing = envelopeOf(await call("POST", `${base}/things`, { token: "admin", body: "" }));
    expect(nothing.message).toBe("Bad request: body: is missing");
  });

  it.each([
    ["not JSON", "{"],
    ["a key twice", '{"a":1,"a":2}'],
    ["NUL in text", JSON.stringify({ ...goodThing, requestID: "a\u0000" })],
    ["half a surrogate pair", '{"requestID":"\\ud800","amount":1,"flag":true,"count":1}'],
    ["an amount beyond every bound", '{"requestID":"a","amount":1e300,"flag":true,"count":1}'],
    ["no object", "[]"],
    ["nothing", ""],
  ])("%s", async (_name, body) => {
    const response = await call("POST", `${base}/things`, { token: "admin", body });
    expect(response.statusCode).toBe(400);
    envelopeOf(response);
  });

  it("an address that cannot be decoded, but only to who may know", async () => {
    for (const [token, status, errorCode] of [
      ["admin", 400, "FU4000"],
      [undefined, 401, "FU4001"],
    ] as const) {
      const response = await call("GET", `${base}/things/%E0%A4%A`, token ? { token } : {});
      expect(response.statusCode).toBe(status);
      expect(envelopeOf(response)).toMatchObject({ errorCode, traceID: response.headers["x-request-id"] });
    }
  });
});

describe("a NUL character in the address", () => {
  it.each(["/things/a%00", "/things/a?x=%00"])("(%s) is told of only to who may know", async (path) => {
    const unknown = await call("GET", `${base}${path}`);
    expect([unknown.statusCode, envelopeOf(unknown).code]).toEqual([401, "token_missing"]);
    const narrow = await call("GET", `${base}/things%00`, { token: "reader" });
    expect(narrow.statusCode).toBe(404);
    const known = await call("GET", `${base}${path}`, { token: "reader" });
    expect([known.statusCode, envelopeOf(known).code]).toEqual([400, "invalid_request"]);
  });
});

describe("401", () => {
  it("before the body, the method and the address are looked at", async () => {
    for (const [method, url, body] of [
      ["POST", `${base}/things`, "{"],
      ["GET", `${base}/nothing/here`, undefined],
      ["DELETE", `${base}/things`, undefined],
      ["GET", "/api/v1/ifi/999/things/1", undefined],
      ["GET", "/api/v2/ifi/140793/things", undefined],
      ["GET", "/api", undefined],
      ["POST", "/api/v1/unknown", "{"],
    ] as const) {
      const response = await call(method, url, body === undefined ? {} : { body });
      expect([url, response.statusCode]).toEqual([url, 401]);
      expect(envelopeOf(response)).toMatchObject({
        code: "token_missing",
        errorCode: "FU4001",
        details: { errorCode: "FU4001" },
        traceID: response.headers["x-request-id"],
      });
      expect(response.headers["www-authenticate"]).toBe('Bearer realm="Fusion API"');
    }
  });

  it("gives the reason in code, and the challenge of RFC 6750 sections 3 and 3.1", async () => {
    const response = await call("GET", `${base}/things/1`, { token: "old" });
    expect(envelopeOf(response)).toMatchObject({ code: "token_revoked", errorCode: "FU4001" });
    expect(response.headers["www-authenticate"]).toMatch(/^Bearer realm="Fusion API", error="invalid_token"/);
  });
});

describe("403", () => {
  it("when the fintech has nothing to do with the bank in the address, known or not", async () => {
    for (const url of [
      "/api/v1/ifi/999/things/1",
      "/api/v1/ifi/abc/things/1",
      "/api/v1/ifi/999/nothing",
      "/%61pi/v1/ifi/999/things/1",
      "/api/v1/%69fi/999/things/1",
      "/api/v%31/ifi/999/nothing",
    ]) {
      const response = await call("GET", url, { token: "admin" });
      expect([url, response.statusCode]).toEqual([url, 403]);
      expect(envelopeOf(response)).toMatchObject({ code: "ifi_not_allowed", errorCode: "FU4003" });
    }
  });

  it("when the scope does not cover the operation, before the body is read; the challenge names it (RFC 6750 section 3.1)", async () => {
    const response = await call("POST", `${base}/things`, { token: "reader", body: "{" });
    expect(response.statusCode).toBe(403);
    expect(envelopeOf(response)).toMatchObject({
      code: "scope_insufficient",
      details: { requiredScope: "transfers:write" },
    });
    expect(response.headers["www-authenticate"]).toContain(
      'error="insufficient_scope", scope="transfers:write"',
    );
  });

  it("a room's own wire code and exact message stand in the envelope", async () => {
    const response = await call("POST", `${base}/broke`, { token: "admin" });
    expect(response.statusCode).toBe(403);
    expect(envelopeOf(response)).toMatchObject({
      message: "Insufficient balance in Account",
      errorCode: "LE400008",
      details: { errorCode: "LE400008" },
    });
  });
});

describe("404, 405, 413, 414, 415", () => {
  it.each([
    ["GET", `${base}/nothing`, 404, "FU4004"],
    ["GET", base, 404, "FU4004"],
    ["GET", "/api/v2/ifi/140793/things", 404, "FU4004"],
    ["DELETE", `${base}/things`, 405, "FU4005"],
    ["OPTIONS", `${base}/things/1`, 405, "FU4005"],
    ["GET", `${base}/things/${"x".repeat(600)}`, 414, "FU4014"],
  ])("%s %s", async (method, url, status, errorCode) => {
    const response = await call(method, url, { token: "admin" });
    expect(response.statusCode).toBe(status);
    expect(envelopeOf(response).errorCode).toBe(errorCode);
    if (status === 405) expect(String(response.headers.allow)).toMatch(/POST|GET/);
  });

  it("a body that is too large, or no JSON", async () => {
    const large = await call("POST", `${base}/things`, { token: "admin", body: `"${"x".repeat(70_000)}"` });
    expect([large.statusCode, envelopeOf(large).errorCode]).toEqual([413, "FU4013"]);
    const form = await call("POST", `${base}/things`, {
      token: "admin",
      body: "a=b",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect([form.statusCode, envelopeOf(form).errorCode]).toEqual([415, "FU4015"]);
  });
});

describe("429", () => {
  it("is for the address that calls too often, also where that cannot be decoded, and then nobody looks for a token", async () => {
    const limited = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
    limitRates(limited, { clock }, [{ prefix: "/api/", perSecond: 1, burst: 3 }]);
    let asked = 0;
    const authenticate = async () => {
      asked += 1;
      throw new TokenMissing();
    };
    registerFusionApi(limited, { clock, nodes, takeCall: undefined, authenticate }, () => undefined);
    for (const [at, url] of [`${base}/things`, `${base}/%zz`].entries()) {
      asked = 0;
      const statuses: number[] = [];
      let last: Awaited<ReturnType<typeof limited.inject>> | undefined;
      for (let calls = 0; calls < 5; calls += 1) {
        last = await limited.inject({ url, remoteAddress: `192.0.2.${at}` });
        statuses.push(last.statusCode);
      }
      expect([url, statuses, asked]).toEqual([url, [401, 401, 401, 429, 429], 3]);
      expect(last && envelopeOf(last)).toMatchObject({ code: "rate_limited", errorCode: "FU4029" });
      expect(last?.headers["retry-after"]).toBe("1");
    }
    await limited.close();
  });

  it("is for the one token that calls too often, from wherever, until time has passed", async () => {
    const limited = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
    registerFusionApi(
      limited,
      {
        clock,
        nodes,
        takeCall: limitCalls(clock, { perSecond: 2, burst: 4 }),
        authenticate: async (request) => ({
          ...principal,
          expiresAt: new Date("2026-12-09T05:30:00.000Z"),
          tokenId: String(request.headers["x-zeta-authtoken"]) as TokenId,
        }),
      },
      (v1) => {
        v1.get("/things", { config: { requiredScope: "accounts:read" } }, async () => ({}));
      },
    );
    let addresses = 0;
    const callWith = (token: string) => {
      addresses += 1;
      return limited.inject({
        url: `${base}/things`,
        remoteAddress: `192.0.2.${addresses}`,
        headers: { "x-zeta-authtoken": token },
      });
    };
    for (let calls = 0; calls < 4; calls += 1) expect((await callWith("tok_1")).statusCode).toBe(200);
    const refused = await callWith("tok_1");
    expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([429, "1"]);
    expect(envelopeOf(refused)).toMatchObject({ code: "rate_limited", errorCode: "FU4029" });
    expect(refused.headers["x-fusion-token-expires"]).toBe("2026-12-09T05:30:00.000Z");
    expect((await callWith("tok_2")).statusCode).toBe(200);
    clock.advanceMs(500);
    expect((await callWith("tok_1")).statusCode).toBe(200);
    expect((await callWith("tok_1")).statusCode).toBe(429);
    await limited.close();
  });
});

describe("500", () => {
  it("says nothing about the cause", async () => {
    const response = await call("POST", `${base}/bug`, { token: "admin" });
    expect(response.statusCode).toBe(500);
    expect(envelopeOf(response).errorCode).toBe("FU5000");
    expect(response.body).not.toContain("secret detail");
  });
});

describe("starting", () => {
  it("refuses a route that names no scope", async () => {
    const other = createHttpServer({
      log: silentLog(),
      random: systemRandom,
      trustedProxies: [],
      https: false,
    });
    registerFusionApi(other, { clock, nodes, authenticate: async () => principal }, (v1) => {
      v1.get("/open", async () => ({}));
    });
    await expect(other.ready()).rejects.toThrow(/must name a required scope/);
    await other.close();
  });
});
