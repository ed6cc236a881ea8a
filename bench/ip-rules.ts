// npm run bench:ip-rules
//
// What an allow-list costs a call, against Node's own net.BlockList with the same ranges.

import { BlockList } from "node:net";
import { allowsAddress, compileIpRules } from "../server/src/access/ip-rules.ts";
import { type IpAddress, parseIp } from "../server/src/platform/ip-network.ts";
import { printFigure } from "./figures.ts";

const slices = 31;
const turns = 20_000;
const ranges = ["10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32", "198.51.100.7/32"];
const callers = ["198.51.100.7", "192.0.2.1", "2001:db8:1:2:3:4:5:6"];

const rules = compileIpRules(ranges);
const known = new BlockList();
for (const range of ranges) {
  const [network = "", prefix] = range.split("/");
  known.addSubnet(network, Number(prefix), familyOf(network));
}
const ours: number[] = [];
const theirs: number[] = [];
for (let slice = 0; slice < slices; slice += 1) {
  ours.push(microsecondsOf((ip) => allowsAddress(rules, parseIp(ip) as IpAddress)));
  theirs.push(microsecondsOf((ip) => known.check(ip, familyOf(ip))));
}
printFigure({
  name: "whether an address may call, of four ranges",
  ours,
  theirs,
  unit: "us",
  goal: { atMost: 1 },
});

function microsecondsOf(check: (ip: string) => boolean): number {
  let allowed = 0;
  const start = performance.now();
  for (let turn = 0; turn < turns; turn += 1) for (const ip of callers) allowed += check(ip) ? 1 : 0;
  const took = performance.now() - start;
  // Two of three callers are allowed. Checking the sum also keeps the compiler from leaving the work out.
  if (allowed !== 2 * turns) throw new Error(`Allowed ${allowed} of ${callers.length * turns} calls.`);
  return (took * 1_000) / (turns * callers.length);
}

function familyOf(ip: string): "ipv4" | "ipv6" {
  return ip.includes(":") ? "ipv6" : "ipv4";
}
