import { expect, it } from "vitest";
import { isGlobalAddress, isLoopbackAddress } from "./global-address.ts";

it.each([
  "93.184.216.34",
  "8.8.8.8",
  "1.1.1.1",
  "172.15.255.255",
  "172.32.0.1",
  "100.63.255.255",
  "100.128.0.1",
  "2606:4700:4700::1111",
  "2a00:1450:4001:81b::200e",
])("%s is of the public internet", (address) => {
  expect(isGlobalAddress(address)).toBe(true);
});

it.each([
  // This machine, this network.
  "0.0.0.0",
  "0.1.2.3",
  "127.0.0.1",
  "127.255.255.254",
  "::",
  "::1",
  // Private, carrier-grade NAT, link-local (and with it the metadata services of clouds).
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "100.100.100.200",
  "169.254.169.254",
  "168.63.129.16",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  // Reserved, documentation, benchmarks, multicast, broadcast.
  "192.0.0.1",
  "192.0.0.192",
  "192.0.2.1",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.1",
  "203.0.113.1",
  "192.88.99.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "ff02::1",
  "100::1",
  "2001:db8::1",
  "3fff::1",
  "2001:2::1",
  "5f00::1",
  // IPv4 inside IPv6: mapped, compatible, NAT64 (well-known and local), 6to4, Teredo. Refused even when the address inside is public.
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:8.8.8.8",
  "::127.0.0.1",
  "::ffff:0:127.0.0.1",
  "64:ff9b::7f00:1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::a00:1",
  "2002:7f00:1::",
  "2001:0:53aa:64c::1",
  // Not an address.
  "",
  "localhost",
  "999.1.1.1",
  "not an address",
])("%s is not", (address) => {
  expect(isGlobalAddress(address)).toBe(false);
});

it("only 127.0.0.0/8 and ::1 are this machine", () => {
  expect(["127.0.0.1", "127.8.9.1", "::1"].every(isLoopbackAddress)).toBe(true);
  expect(["0.0.0.0", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "x"].some(isLoopbackAddress)).toBe(
    false,
  );
});
