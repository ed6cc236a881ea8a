import { revokeReasonWords } from "@fusion/contract/tokens.ts";
import { allowsAddress, compileIpRules } from "../access/ip-rules.ts";
import type { Application } from "../fintechs/application.ts";
import { parseIp } from "../platform/ip-network.ts";
import { localTimeText } from "../platform/local-time.ts";
import { scopesWithin } from "../tokens/token.ts";
import type { TokenRecord } from "../tokens/token-record.ts";
import type { ApiCall } from "./call.ts";

/** Plain sentences about one call: what happened and why, and what to do next. */
export interface Explanation {
  readonly why: readonly string[];
  readonly next: readonly string[];
}

interface Facts {
  readonly call: ApiCall;
  readonly token: TokenRecord;
  readonly application: Application;
  /**
   * Of the IP allow-lists; withheld, only which list it was is said: whoever holds the token may be its thief, who would know where to call
   * from.
   */
  readonly ranges: "told" | "withheld";
}

/**
 * Explains a call from what was kept of it and what is known of its token, which never changes again once the token has ended. `page` is
 * the documentation of the code, which says what holds for everybody. Pure.
 */
export function explain(facts: Facts, page: string | undefined): Explanation {
  const { call } = facts;
  const documented = page === undefined ? { why: [], next: [] } : readPage(page);
  if (call.status < 400)
    return { why: [`This call was accepted and answered with ${call.status}.`], next: [] };
  const own = ownFacts(facts);
  if (own.length > 0) return { why: own, next: documented.next };
  if (documented.why.length > 0) return documented;
  return {
    why: [
      `This call was answered with ${call.status}${call.code === null ? "" : ` and the code ${call.code}`}.`,
    ],
    next: ["Quote the request id when you ask the Fusion team about it."],
  };
}

/** What is particular to this call; empty for codes that the documentation explains completely. */
function ownFacts({ call, token, application, ranges }: Facts): string[] {
  const time = (instant: Date): string => localTimeText(instant, application.timeZone);
  const name = `The token "${token.name}" (${token.tokenId})`;
  switch (call.code) {
    case "token_revoked": {
      if (token.revokedAt === null) return [];
      const reason =
        token.revokeReason === null ? "" : `: ${revokeReasonWords[token.revokeReason].toLowerCase()}`;
      return [
        `${name} was revoked by ${token.revokedBy} on ${time(token.revokedAt)}${reason}.`,
        "A revoked token is refused everywhere from that moment on. Nothing was changed by this call.",
      ];
    }
    case "token_expired":
      return [
        `${name} expired on ${time(token.expiresAt)}, before this call.`,
        "An expired token is refused everywhere. Nothing was changed by this call.",
      ];
    case "scope_insufficient":
      return [
        `${call.route} takes the scope ${call.requiredScope ?? "that its documentation names"}.`,
        scopeWords(name, { token, application }),
      ];
    case "ip_not_allowed":
      return addressWords(name, { call, token, application, ranges });
    case "application_suspended":
      return [
        `The application ${application.name} was suspended by the Fusion team when this call was made. ${
          application.suspendedAt === null ? "It no longer is." : "It still is."
        }`,
      ];
    case "fintech_suspended":
      return [
        `All of ${application.fintechName} was suspended by the Fusion team when this call was made. ${
          application.fintechSuspendedAt === null ? "It no longer is." : "It still is."
        }`,
      ];
    case "ifi_not_allowed":
      return [
        `The address of this call names another bank than ${application.tenant.ifiId}, the only one that this token may call. Nothing was changed.`,
      ];
    default:
      return call.fields.length === 0
        ? []
        : [
            `Some of the input was not as it should be: ${listWords(call.fields)}. Nothing was changed by this call.`,
            "Values are not kept, so only the names of the fields are known here; the answer to the call said what is wrong with each.",
          ];
  }
}

function scopeWords(name: string, { token, application }: Pick<Facts, "token" | "application">): string {
  const now = scopesWithin(token.scopes, application.scopes);
  const given = `${name} has ${listWords(token.scopes)}`;
  return now.length === token.scopes.length && now.every((scope) => token.scopes.includes(scope))
    ? `${given}, which does not cover it. Nothing was changed by this call.`
    : `${given}, of which its application leaves it ${listWords(now)}. Nothing was changed by this call.`;
}

/** Uses the lists as they are now, since these are what the person who asks can change. */
function addressWords(name: string, { call, token, application, ranges }: Facts): string[] {
  const outside = (list: readonly string[]): boolean =>
    !allowsAddress(compileIpRules(list), parseIp(call.ip));
  const rangesOf = (list: readonly string[]): string => (ranges === "told" ? ` (${listWords(list)})` : "");
  const lists = [
    ...(outside(application.ipAllowList)
      ? [`the IP allow-list of the application ${application.name}${rangesOf(application.ipAllowList)}`]
      : []),
    ...(outside(token.ipAllowList) ? [`the token's own${rangesOf(token.ipAllowList)}`] : []),
  ];
  return [
    lists.length === 0
      ? `${name} may be used from ${call.ip} by now. When this call was made from there, that address was not in the IP allow-list of the application or of the token.`
      : `This call came from ${call.ip}, and that address is not in ${lists.join(" and not in ")}. ${name} may be used only from inside both lists.`,
    "Nothing was changed by this call.",
  ];
}

function listWords(words: readonly string[]): string {
  if (words.length <= 1) return words[0] ?? "none";
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** The first paragraph of a page of `docs/errors` says what happened and why, the others what to do. */
function readPage(page: string): Explanation {
  const [why, ...next] = page
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) =>
      paragraph
        .split("\n")
        .filter((line) => !line.startsWith("#"))
        .join(" ")
        .replaceAll(/`|\*\*/g, ""),
    )
    .filter((paragraph) => paragraph !== "");
  return { why: why === undefined ? [] : [why], next };
}
