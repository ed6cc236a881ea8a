import { z } from "zod";
import { Instant, TokenId } from "./primitives.ts";

/** The most entries that a list may have. One range takes the place of a list of its addresses. */
export const ipRangesMax = 50;

/** The server checks the entries, since its message names what is wrong with each, which a schema cannot. */
export const IpAllowList = z
  .array(z.string().trim().min(1).max(64))
  .max(ipRangesMax)
  .describe(
    "Addresses and CIDR ranges, IPv4 or IPv6, such as 203.0.113.7 or 2001:db8::/32; empty: from anywhere.",
  );

export const SetIpAllowList = z.object({ ipAllowList: IpAllowList });
export type SetIpAllowList = z.infer<typeof SetIpAllowList>;

/** What a list would change, before it is set. */
export const IpAllowListEffect = z
  .object({
    excludedCallers: z
      .array(z.object({ ip: z.string(), lastAt: Instant }))
      .describe("Addresses of accepted calls in the last 24 hours that would be refused, latest first."),
    unusableTokens: z
      .array(z.object({ tokenId: TokenId, name: z.string() }))
      .describe(
        "Active tokens that no address could use: their list and the application's have none in common.",
      ),
  })
  .meta({ id: "IpAllowListEffect" });
export type IpAllowListEffect = z.infer<typeof IpAllowListEffect>;
