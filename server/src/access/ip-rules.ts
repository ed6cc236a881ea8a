// Which addresses may call: lists of CIDR ranges, compiled to numbers once and compared without an allocation. Pure.
//
// Node's own net.BlockList says the same (a property test holds the two together) and takes more than twice as long (`npm run
// bench:ip-rules`). One difference: there an IPv4 address lies in `::/0`, here a range of one family never lets in the other.

import { type IpAddress, type Ipv6Address, ipv4Text, parseIp } from "../platform/ip-network.ts";

/** A compiled allow-list. Empty: from anywhere. */
export interface IpRules {
  /** A network and its mask, one after the other. */
  readonly v4: readonly number[];
  /** The four numbers of a network and the four of its mask, one after the other. */
  readonly v6: readonly number[];
}

export const fromAnywhere: IpRules = Object.freeze({ v4: Object.freeze([]), v6: Object.freeze([]) });

export interface IpRange {
  readonly network: IpAddress;
  /** 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly prefix: number;
}

/** Whether the list lets this address call; an empty list lets all call. Undefined stands for an invalid address, which is in no range. */
export function allowsAddress({ v4, v6 }: IpRules, address: IpAddress | undefined): boolean {
  if (typeof address === "number") {
    for (let at = 0; at < v4.length; at += 2) if ((address & (v4[at + 1] as number)) === v4[at]) return true;
  } else if (address !== undefined) {
    for (let at = 0; at < v6.length; at += 8)
      if (
        (address[0] & (v6[at + 4] as number)) === v6[at] &&
        (address[1] & (v6[at + 5] as number)) === v6[at + 1] &&
        (address[2] & (v6[at + 6] as number)) === v6[at + 2] &&
        (address[3] & (v6[at + 7] as number)) === v6[at + 3]
      )
        return true;
  }
  return v4.length === 0 && v6.length === 0;
}

/** Whether some address is in both lists. */
export function haveCommonAddress(one: IpRules, other: IpRules): boolean {
  if (one === fromAnywhere || other === fromAnywhere) return true;
  return commonRange(one.v4, other.v4, 1) || commonRange(one.v6, other.v6, 4);
}

/** When two ranges overlap, one is inside the other: their networks are the same under the shorter mask. */
function commonRange(one: readonly number[], other: readonly number[], words: 1 | 4): boolean {
  for (let a = 0; a < one.length; a += 2 * words)
    for (let b = 0; b < other.length; b += 2 * words) {
      let same = true;
      for (let word = 0; word < words; word += 1) {
        const mask = (one[a + words + word] as number) & (other[b + words + word] as number);
        same &&= (((one[a + word] as number) ^ (other[b + word] as number)) & mask) === 0;
      }
      if (same) return true;
    }
  return false;
}

/** Compiles ranges that {@link parseIpRange} accepts; throws for any other. */
export function compileIpRules(ranges: readonly string[]): IpRules {
  if (ranges.length === 0) return fromAnywhere;
  const v4: number[] = [];
  const v6: number[] = [];
  for (const text of ranges) {
    const range = parseIpRange(text);
    if (typeof range === "string") throw new Error(`The range ${text} cannot be read: ${range}.`);
    const { network, prefix } = range;
    if (typeof network === "number") v4.push(network, maskOf(prefix));
    else v6.push(...network, ...masksOf(prefix));
  }
  return { v4, v6 };
}

/**
 * Reads a CIDR range, or an address, which is a range of itself alone. Returns a phrase that says what is wrong with the text, if anything
 * is. A range of IPv4-mapped IPv6 addresses becomes the IPv4 range.
 */
export function parseIpRange(text: string): IpRange | string {
  const [written = "", length, ...more] = text.split("/");
  const network = written.includes("%") ? undefined : parseIp(written);
  if (network === undefined || more.length > 0)
    return "must be an address or a CIDR range, such as 203.0.113.0/24";
  const bits = written.includes(":") ? 128 : 32;
  if (length !== undefined && !(/^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= bits))
    return `must have a prefix length of 0 to ${bits}`;
  let prefix = length === undefined ? bits : Number(length);
  if (typeof network === "number" && bits === 128) {
    if (prefix < 96) return "must not mix IPv4-mapped addresses with others; write IPv4 ranges as such";
    prefix -= 96;
  }
  const inside =
    typeof network === "number"
      ? (network & ~maskOf(prefix)) !== 0
      : masksOf(prefix).some((mask, at) => ((network[at] as number) & ~mask) !== 0);
  if (inside)
    return "must be the first address of its range; for one address alone, leave the prefix length out";
  return { network, prefix };
}

/** The range as PostgreSQL's cidr writes it, with IPv4 as IPv4. */
export function rangeText(text: string): string {
  const range = parseIpRange(text);
  if (typeof range === "string" || typeof range.network !== "number" || !text.includes(":")) return text;
  return `${ipv4Text(range.network)}/${range.prefix}`;
}

/** The 32-bit mask of a prefix of this length: all bits from 32 on, none from 0 down. */
function maskOf(prefix: number): number {
  return prefix <= 0 ? 0 : prefix >= 32 ? -1 : -1 << (32 - prefix);
}

function masksOf(prefix: number): Ipv6Address {
  return [maskOf(prefix), maskOf(prefix - 32), maskOf(prefix - 64), maskOf(prefix - 96)];
}
