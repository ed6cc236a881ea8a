import { callerIp, noAddress, plainText } from "./call-facts.ts";
import type { TokenCall } from "./token-call.ts";
import type { CallKind } from "./usage-store.ts";

// What many calls have in common. It is worked out once and shared, since nearly every call is like an earlier one.

/** The longest user agent, in characters, that is remembered as it was sent. */
export const userAgentMax = 200;
/** Kinds of call remembered. Made-up ones push out all others, which only costs time. */
const kindsMax = 1_000;

/** The kind of a call, with its route as it was sent. */
export interface SentKind extends CallKind {
  readonly sentRoute: string;
  /** The same outcome for callers that are not counted apart; made when it is first needed. */
  others: CallKind | undefined;
}

/** Returns a function that gives the kind of a call, and remembers the kinds it gave. */
export function rememberKinds(): (call: TokenCall) => SentKind {
  const kinds = new Map<string, SentKind>();
  return (call) => {
    // Long ones are not kept as they were sent.
    if (call.userAgent.length > userAgentMax) return describe(call);
    const key = `${call.ip}\n${call.userAgent}\n${call.outcome}\n${call.route}`;
    let kind = kinds.get(key);
    if (!kind) {
      if (kinds.size >= kindsMax) kinds.clear();
      kind = describe(call);
      kinds.set(key, kind);
    }
    return kind;
  };
}

function describe({ ip, userAgent, outcome, route }: TokenCall): SentKind {
  return {
    ip: callerIp(ip),
    userAgent: plainText(userAgent),
    outcome: plainText(outcome).slice(0, 60),
    route: plainText(route),
    sentRoute: route,
    others: undefined,
  };
}

/** The kind of this outcome for callers that are not counted apart. */
export function others(kind: CallKind | SentKind): CallKind {
  const { outcome } = kind;
  if (!("others" in kind)) return kind;
  kind.others ??= { ip: noAddress, userAgent: "others", outcome, route: "" };
  return kind.others;
}
