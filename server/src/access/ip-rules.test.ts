import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type IpAddress, parseIp } from "../platform/ip-network.ts";
import {
  allowsAddress,
  compileIpRules,
  fromAnywhere,
  haveCommonAddress,
  type IpRules,
  parseIpRange,
  rangeText,
} from "./ip-rules.ts";

const octets = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 16, maxLength: 16 });
const v4Text = (bytes: readonly number[]): string => bytes.slice(0, 4).join(".");
const v6Text = (bytes: readonly number[]): string =>
  Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  ).join(":");
const masked = (bytes: readonly number[], prefix: number): number[] =>
  bytes.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * at))) & 0xff);

/** Ranges, and addresses that often lie just inside or just outside one of them. */
const lists = fc
  .array(fc.record({ bytes: octets, v6: fc.boolean(), length: fc.integer({ min: 0, max: 128 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((ranges) =>
    ranges.map(({ bytes, v6, length }) => {
      const prefix = v6 ? length : length % 33;
      const network = masked(bytes, prefix);
      return { v6, prefix, bytes: network, text: `${v6 ? v6Text(network) : v4Text(network)}/${prefix}` };
    }),
  );

describe("an allow-list", () => {
  it("allows exactly the addresses that node's BlockList finds in its ranges", () => {
    fc.assert(
      fc.property(lists, octets, fc.integer({ min: 0, max: 127 }), fc.nat(), (ranges, other, bit, which) => {
        // One for each family: BlockList finds IPv4 addresses in `::/0`, too.
        const known = { ipv4: new BlockList(), ipv6: new BlockList() };
        for (const { v6, bytes, prefix } of ranges) {
          const family = v6 ? "ipv6" : "ipv4";
          known[family].addSubnet(v6 ? v6Text(bytes) : v4Text(bytes), prefix, family);
        }
        const rules = compileIpRules(ranges.map(({ text }) => text));
        const near = ranges[which % ranges.length] as (typeof ranges)[number];
        const flipped = near.bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (128 >> (bit & 7)) : byte));
        for (const bytes of [near.bytes, flipped, other])
          for (const text of [v4Text(bytes), v6Text(bytes)]) {
            const address = parseIp(text) as IpAddress;
            const family = typeof address === "number" ? "ipv4" : "ipv6";
            expect([text, allowsAddress(rules, address)]).toEqual([text, known[family].check(text, family)]);
          }
      }),
      { numRuns: 2_000 },
    );
  });

  it("lets all in when it is empty, and only IPv6 or only IPv4 when it names no other", () => {
    expect(compileIpRules([])).toBe(fromAnywhere);
    const [v4, v6] = [parseIp("203.0.113.7"), parseIp("2001:db8::7")] as [IpAddress, IpAddress];
    expect([allowsAddress(fromAnywhere, v4), allowsAddress(fromAnywhere, v6)]).toEqual([true, true]);
    const onlyV6 = compileIpRules(["::/0"]);
    expect([allowsAddress(onlyV6, v4), allowsAddress(onlyV6, v6)]).toEqual([false, true]);
    const onlyV4 = compileIpRules(["0.0.0.0/0"]);
    expect([allowsAddress(onlyV4, v4), allowsAddress(onlyV4, v6)]).toEqual([true, false]);
  });

  it("has an address in common with another exactly if the first address of some range is in both", () => {
    fc.assert(
      fc.property(lists, lists, (one, other) => {
        const rules = [one, other].map((ranges) => compileIpRules(ranges.map(({ text }) => text)));
        const [first, second] = rules as [IpRules, IpRules];
        // When two ranges overlap, one holds the other, and so the other's first address.
        const meets = [...one, ...other].some(({ v6, bytes }) => {
          const address = parseIp(v6 ? v6Text(bytes) : v4Text(bytes)) as IpAddress;
          return allowsAddress(first, address) && allowsAddress(second, address);
        });
        expect(haveCommonAddress(first, second)).toBe(meets);
      }),
      { numRuns: 2_000 },
    );
    expect(haveCommonAddress(fromAnywhere, compileIpRules(["203.0.113.7"]))).toBe(true);
    expect(haveCommonAddress(compileIpRules(["::/0"]), compileIpRules(["0.0.0.0/0"]))).toBe(false);
  });

  it("takes an IPv4-mapped IPv6 address for the IPv4 address that it is (RFC 4291 section 2.5.5.2)", () => {
    const rules = compileIpRules(["203.0.113.0/24"]);
    for (const text of ["::ffff:203.0.113.7", "::FFFF:cb00:7107", "0:0:0:0:0:ffff:203.0.113.7"])
      expect(allowsAddress(rules, parseIp(text) as IpAddress)).toBe(true);
    expect(allowsAddress(rules, parseIp("::ffff:203.0.114.7") as IpAddress)).toBe(false);
    const mapped = compileIpRules(["::ffff:203.0.113.0/120"]);
    expect(mapped).toEqual(rules);
    expect(rangeText("::ffff:203.0.113.0/120")).toBe("203.0.113.0/24");
  });
});

describe("a range", () => {
  it.each([
    ["203.0.113.7/24", /first address/],
    ["2001:db8::1/64", /first address/],
    ["203.0.113.0/33", /0 to 32/],
    ["2001:db8::/129", /0 to 128/],
    ["203.0.113.0/024", /0 to 32/],
    ["203.0.113.0/", /0 to 32/],
    ["203.0.113.0/24/8", /CIDR range/],
    ["203.0.113", /CIDR range/],
    ["fe80::1%eth0", /CIDR range/],
    ["example.com", /CIDR range/],
    ["", /CIDR range/],
    ["::ffff:0:0/90", /IPv4-mapped/],
  ])("is refused with the reason: %s", (text, reason) => {
    expect(parseIpRange(text)).toMatch(reason);
  });

  it("may be one address", () => {
    expect(parseIpRange("203.0.113.7")).toEqual({ network: 0xcb007107 | 0, prefix: 32 });
    expect(parseIpRange("2001:db8::1")).toMatchObject({ prefix: 128 });
    expect(rangeText("203.0.113.7")).toBe("203.0.113.7");
  });
});
