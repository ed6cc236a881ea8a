import { describe, expect, it } from "vitest";
import { originalRoute } from "./original-request.ts";

const routeOf = (request: { method?: string; url?: string; headers?: Record<string, string> }): string =>
  originalRoute({
    method: "GET",
    url: "/gateway/check",
    ...request,
    header: (name) => request.headers?.[name],
  });

describe("the route that a proxy was asked for", () => {
  it("is told by nginx, Traefik, Caddy or Envoy, or is the check's own", () => {
    expect(routeOf({ headers: { "x-original-method": "PUT", "x-original-uri": "/orders" } })).toBe(
      "PUT /orders",
    );
    expect(routeOf({ headers: { "x-forwarded-method": "PUT", "x-forwarded-uri": "/orders" } })).toBe(
      "PUT /orders",
    );
    expect(routeOf({ method: "PATCH", url: "/gateway/check/orders/7?a=b" })).toBe("PATCH /orders/:id");
    expect(routeOf({})).toBe("GET /gateway/check");
    expect(routeOf({ url: "/gateway/check?scope=admin" })).toBe("GET /gateway/check");
  });

  it("keeps words and versions and nothing that may identify somebody", () => {
    for (const [uri, route] of [
      ["/api/v2/account-holders/4f1c/notes", "/api/v2/account-holders/:id/notes"],
      ["/people/asha@example.com", "/people/:id"],
      ["/pan/ABCDE1234F?name=Asha#top", "/pan/:id"],
      [`/${"a".repeat(41)}/x`, "/:id/x"],
      ["/%41sha", "/:id"],
      ["/", "/"],
    ])
      expect(routeOf({ headers: { "x-original-uri": uri as string } })).toBe(`GET ${route}`);
  });

  it("is cut between two parts of the address where it is too long to be kept", () => {
    const of = (uri: string): string =>
      routeOf({ headers: { "x-original-method": "PROPPATCH", "x-original-uri": uri } });
    for (let length = 1; length <= 40; length += 1) {
      const route = of(`/${"w".repeat(length)}`.repeat(400));
      expect(route.length).toBeLessThanOrEqual(200);
      expect(route).toMatch(new RegExp(`^PROPPATCH (/w{${length}})+/…$`));
    }
    // Where the address was cut, nothing of a part is taken for a word.
    expect(of(`/${"7".repeat(491)}/asha@example.com`)).toBe("PROPPATCH /:id/…");
    expect(of(`/${"7".repeat(600)}`)).toBe("PROPPATCH /…");
    expect(of(`/${"7".repeat(494)}/asha`)).toBe("PROPPATCH /:id/asha");
  });

  it("is the check's own where what is told is no address or no method", () => {
    expect(routeOf({ headers: { "x-original-uri": "http://elsewhere/orders" } })).toBe("GET /gateway/check");
    expect(routeOf({ headers: { "x-original-method": "get it\u0000", "x-original-uri": "/a" } })).toBe(
      "GET /a",
    );
  });
});
