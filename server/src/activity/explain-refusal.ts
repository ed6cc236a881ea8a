import type { Database } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import type { FoundToken } from "../tokens/check/check-token.ts";
import { getTokenAndApplication } from "../tokens/token-access.ts";
import type { TokenRecord } from "../tokens/token-record.ts";
import type { ApiCall } from "./call.ts";
import { findCall } from "./call-store.ts";
import { type Explanation, explain } from "./explanation.ts";
import type { LookForCall } from "./look-for-call.ts";

export interface ExplainedRefusal {
  readonly call: ApiCall;
  readonly token: TokenRecord;
  readonly explanation: Explanation;
}

/**
 * Why a call with this token was refused, for the holder of the token, which may have ended since. It may have fallen into other hands, so
 * the names of people and the ranges of IP allow-lists are left out. Throws {@link NotFound} alike for a request id that was never given
 * out, for a call that was accepted, forgotten or only counted, and for a call with another token.
 */
export async function explainRefusal(
  {
    db,
    lookForCall,
    readErrorPage,
  }: {
    readonly db: Database;
    readonly lookForCall: LookForCall;
    readonly readErrorPage: (code: string) => Promise<string | undefined>;
  },
  { tokenId, tenant }: Pick<FoundToken, "tokenId" | "tenant">,
  requestId: string,
): Promise<ExplainedRefusal> {
  const found = await lookForCall(requestId, () =>
    db.transaction({ kind: "tenants", tenants: [tenant] }, async (tx) => {
      const call = await findCall(tx, requestId);
      if (!call || call.tokenId !== tokenId || call.status < 400) return undefined;
      const { token, application } = await getTokenAndApplication(tx, tokenId);
      return {
        call,
        application,
        token: token.revokedAt ? { ...token, revokedBy: "an authorized person" } : token,
      };
    }),
  );
  if (!found) throw new NotFound("There is no such refusal of this token.");
  const page = found.call.code === null ? undefined : await readErrorPage(found.call.code);
  return {
    call: found.call,
    token: found.token,
    explanation: explain({ ...found, ranges: "withheld" }, page),
  };
}
