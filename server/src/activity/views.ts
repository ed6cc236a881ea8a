import type * as contract from "@fusion/contract/activity.ts";
import { InvalidInput } from "../platform/errors.ts";
import type { TokenId } from "../platform/ids.ts";
import { type ApiCall, outcomeOf, type UnlistedCalls } from "./call.ts";
import type { ExplainedCall } from "./explain-call.ts";
import type { CallPosition } from "./list-calls.ts";

/** A row of the list as the console API shows it. */
export function listedView(
  call: ApiCall | UnlistedCalls,
  tokenNames: ReadonlyMap<TokenId, string>,
): contract.ListedCall {
  if ("rowId" in call) {
    const { rowId, at, outcome, calls } = call;
    return { kind: "unlisted", rowId, at: at.toISOString(), outcome, calls };
  }
  return { kind: "call", ...callView(call, tokenNames.get(call.tokenId) ?? "") };
}

export function explainedView({
  call,
  token,
  application,
  explanation,
}: ExplainedCall): contract.ExplainedCall {
  return {
    ...callView(call, token.name),
    applicationId: application.applicationId,
    applicationName: application.name,
    environment: application.tenant.environment,
    fields: [...call.fields],
    why: [...explanation.why],
    next: [...explanation.next],
    page: call.code === null ? null : `/docs/errors/${call.code}`,
  };
}

function callView(call: ApiCall, tokenName: string) {
  return {
    requestId: call.requestId,
    at: call.at.toISOString(),
    outcome: outcomeOf(call.status),
    tokenId: call.tokenId,
    tokenName,
    route: call.route,
    status: call.status,
    code: call.code,
    errorCode: call.errorCode,
    durationMs: Math.round(call.durationMs * 10) / 10,
    ip: call.ip,
    userAgent: call.userAgent,
  };
}

/** `2026-11-24T05:30:00.000Z~req_…`. */
export function cursorOf(position: CallPosition): string {
  return `${position.at.toISOString()}~${position.rowId}`;
}

/** Throws `invalid_input` for a cursor that {@link cursorOf} has not written. */
export function positionOf(cursor: string): CallPosition {
  const [, at, rowId] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)~([a-z]{3}_[0-9A-Za-z]{1,40})$/.exec(cursor) ?? [];
  const instant = new Date(at ?? "");
  if (rowId === undefined || Number.isNaN(instant.getTime()))
    throw new InvalidInput("This is no place in the list.", {
      fieldErrors: [{ pointer: "/cursor", detail: "must be the nextCursor of a page" }],
    });
  return { at: instant, rowId };
}
