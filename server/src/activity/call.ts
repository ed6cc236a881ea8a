import type { CallOutcome } from "@fusion/contract/activity.ts";
import type { ApplicationId, Tenant, TokenId } from "../platform/ids.ts";

/** A call of the Fusion API that presented a known token, kept in full. Never holds a body, a secret or a value of the query. */
export interface ApiCall {
  /** The request id in the caller's answer. */
  readonly requestId: string;
  readonly tenant: Tenant;
  readonly applicationId: ApplicationId;
  readonly tokenId: TokenId;
  readonly at: Date;
  /** Method and route pattern. */
  readonly route: string;
  readonly status: number;
  readonly code: string | null;
  readonly errorCode: string | null;
  /** Names of the wrong fields. */
  readonly fields: readonly string[];
  readonly requiredScope: string | null;
  readonly durationMs: number;
  readonly ip: string;
  readonly userAgent: string;
}

/** How many calls of an application were only counted, not kept in full, because a second was busy. */
export interface UnlistedCalls {
  readonly rowId: string;
  readonly tenant: Tenant;
  readonly applicationId: ApplicationId;
  readonly at: Date;
  readonly outcome: CallOutcome;
  readonly calls: number;
}

export function outcomeOf(status: number): CallOutcome {
  if (status < 400) return "accepted";
  return status < 500 ? "refused" : "error";
}

/**
 * A field's name as it may be kept. Names come from the caller's body, so one is not repeated when it is too long to be a name of ours, or
 * has as many digits as only a number or a secret has.
 */
export function fieldName(pointer: string): string {
  const parts = pointer.split("/").filter((part) => part !== "");
  if (parts.length === 0) return "body";
  const isName = (part: string): boolean =>
    /^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(part) && (part.match(/\d/g)?.length ?? 0) <= 3;
  return parts
    .slice(0, 6)
    .map((part) => (/^\d{1,4}$/.test(part) ? `[${part}]` : `.${isName(part) ? part : "…"}`))
    .join("")
    .replace(/^\./, "");
}
