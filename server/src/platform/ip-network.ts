// Callers' addresses, as numbers and as the networks that are counted. Pure.

/** An address: IPv4 as its 32 bits, IPv6 as four such numbers. IPv4-mapped IPv6 (`::ffff:203.0.113.7`) is IPv4. */
export type IpAddress = number | Ipv6Address;
export type Ipv6Address = readonly [number, number, number, number];

/**
 * What counts as one caller: an IPv4 address, or the first 64 bits of an IPv6 address. A household or a machine usually has all addresses
 * of such a network, too many to count one by one. The same network has one text, however its address is written; an invalid address is
 * returned as it is.
 */
export function networkOf(ip: string): string {
  if (!ip.includes(":")) return ip;
  const address = parseIp(ip);
  if (address === undefined) return ip;
  if (typeof address === "number") return ipv4Text(address);
  const groups = [address[0] >>> 16, address[0] & 0xffff, address[1] >>> 16, address[1] & 0xffff];
  return `${groups.map((group) => group.toString(16)).join(":")}::/64`;
}

/** Four decimal numbers with dots between them. */
export function ipv4Text(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/** Reads an address as RFC 4291 section 2.2 writes it, ignoring an IPv6 zone; undefined for an invalid one. */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text, 0);
}

const dot = 46;
const colon = 58;

/** Four decimal numbers without leading zeros, from `start` to the end. */
function parseIpv4(text: string, start: number): number | undefined {
  let address = 0;
  let octet = -1;
  let octets = 0;
  for (let at = start; at <= text.length; at += 1) {
    const code = at === text.length ? dot : text.charCodeAt(at);
    if (code === dot) {
      if (octet < 0 || octets === 4) return undefined;
      address = (address << 8) | octet;
      octets += 1;
      octet = -1;
    } else {
      const digit = code - 48;
      if (digit < 0 || digit > 9 || octet === 0) return undefined;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return undefined;
    }
  }
  return octets === 4 ? address : undefined;
}

function parseIpv6(text: string): IpAddress | undefined {
  const zone = text.indexOf("%");
  const end = zone < 0 ? text.length : zone;
  if (zone === text.length - 1 && zone >= 0) return undefined;
  const groups: number[] = [];
  /** How many groups stand before `::`; -1 while there is none. */
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < end) {
    const start = at;
    let group = 0;
    let code = 0;
    for (; at < end; at += 1) {
      code = text.charCodeAt(at);
      const digit = hexDigit(code);
      if (digit < 0) break;
      group = (group << 4) | digit;
    }
    if (at < end && code === dot) {
      const tail = parseIpv4(zone < 0 ? text : text.slice(0, end), start);
      if (tail === undefined) return undefined;
      groups.push(tail >>> 16, tail & 0xffff);
      break;
    }
    if (at === start || at - start > 4) return undefined;
    groups.push(group);
    if (at === end) break;
    if (code !== colon) return undefined;
    at += 1;
    if (at < end && text.charCodeAt(at) === colon) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at += 1;
    } else if (at === end) return undefined;
  }
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return undefined;
  if (gap >= 0) groups.splice(gap, 0, ...zeros.slice(groups.length));
  const pair = (first: number): number => ((groups[first] as number) << 16) | (groups[first + 1] as number);
  const address: Ipv6Address = [pair(0), pair(2), pair(4), pair(6)];
  return address[0] === 0 && address[1] === 0 && address[2] === 0xffff ? address[3] : address;
}

const zeros: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0];

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = (code | 32) - 87;
  return letter >= 10 && letter <= 15 ? letter : -1;
}
