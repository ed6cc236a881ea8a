import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { networkOf, parseIp } from "./ip-network.ts";

describe("the network of an address", () => {
  it.each([
    ["an IPv4 address alone", "203.0.113.7", ["203.0.113.7", "::ffff:203.0.113.7", "::FFFF:cb00:7107"]],
    ["with the highest bit", "255.0.0.255", ["255.0.0.255", "0:0:0:0:0:ffff:255.0.0.255"]],
    [
      "64 bits of an IPv6 one, in any case and with any zeros",
      "2001:db8:1:a2::/64",
      ["2001:db8:1:a2:3:4:5:6", "2001:DB8:1:A2::9", "2001:0db8:0001:00a2::1.2.3.4"],
    ],
    ["with a gap inside these", "2001:db8:0:0::/64", ["2001:db8::9", "2001:db8::1:0:0:1"]],
    ["with a gap before them", "0:0:0:1::/64", ["::1:0:0:0:0", "0:0:0:1::"]],
    ["this machine's", "0:0:0:0::/64", ["::1", "::", "0:0:0:0:0:0:0:1"]],
    ["without its zone", "fe80:0:0:0::/64", ["fe80::1", "fe80::1%eth0", "FE80::2%en1"]],
    ["not of mapped form", "0:0:0:0::/64", ["::fffe:203.0.113.7", "::203.0.113.7"]],
  ])("is one, however that is written: %s", (_, network, written) => {
    for (const ip of written) expect([ip, networkOf(ip)]).toEqual([ip, network]);
  });

  it.each(["", "unknown", "1:2", "::ffff:1.2.3", "2001:db8:1:2::9]"])("is what is no address: %o", (text) => {
    expect(networkOf(text)).toBe(text);
  });
});

describe("an address", () => {
  it("is read exactly where node says that it is one", () => {
    const piece = fc.constantFrom(
      "0",
      "1",
      "ff",
      "abcd",
      "12345",
      "g",
      "255",
      "256",
      "01",
      ":",
      "::",
      ".",
      " ",
    );
    const random = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(""));
    const groups = fc
      .tuple(
        fc.array(fc.constantFrom("0", "1", "ff", "abcd", ""), { minLength: 2, maxLength: 9 }),
        fc.constantFrom("", ":1.2.3.4", "%eth0"),
      )
      .map(([parts, tail]) => parts.join(":") + tail);
    const whole = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(fc.oneof(random, groups, whole), (text) => {
        expect([text, parseIp(text) !== undefined]).toEqual([text, isIP(text) !== 0]);
      }),
      { numRuns: 5_000 },
    );
  });
});
