import ipaddr from "ipaddr.js";

// Ranges that the library's names do not cover.
const refusedRanges = [
  // Ranges inside global unicast that IANA reserves for protocols, benchmarks and documentation (RFC 6890, RFC 9637).
  "2001::/23",
  "3fff::/20",
  // Relays of 6to4 (RFC 7526).
  "192.88.99.0/24",
  // A public address at which every Azure machine finds its own host.
  "168.63.129.16/32",
].map((range) => ipaddr.parseCIDR(range));

/**
 * Whether an address (as text) belongs to the public internet: neither loopback, private, link-local, carrier-grade NAT, unique-local,
 * multicast, documentation, reserved, nor any form in which IPv6 wraps an IPv4 address, whatever that address is. False for an invalid
 * address. Denies by default: only `unicast` passes, and of IPv6 only 2000::/3, the part that has been given out.
 */
export function isGlobalAddress(text: string): boolean {
  if (!ipaddr.isValid(text) || text.includes("%")) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== "unicast") return false;
  if (address.kind() === "ipv6" && !address.match(ipaddr.parseCIDR("2000::/3"))) return false;
  return !refusedRanges.some((range) => range[0].kind() === address.kind() && address.match(range));
}

/** Whether an address is this machine's own: 127.0.0.0/8 or ::1, not wrapped in anything. */
export function isLoopbackAddress(text: string): boolean {
  return ipaddr.isValid(text) && ipaddr.parse(text).range() === "loopback";
}
