import { dataScopeOf } from "../access/data-scope.ts";
import type { Administrator } from "../access/roles.ts";
import type { ReachableApplication } from "../fintechs/find-application.ts";
import type { Database } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import { getTokenAndApplicationFor } from "../tokens/token-access.ts";
import type { TokenRecord } from "../tokens/token-record.ts";
import type { ApiCall } from "./call.ts";
import { findCall } from "./call-store.ts";
import { type Explanation, explain } from "./explanation.ts";
import type { LookForCall } from "./look-for-call.ts";

export interface ExplainedCall {
  readonly call: ApiCall;
  readonly token: TokenRecord;
  readonly application: ReachableApplication;
  readonly explanation: Explanation;
}

/**
 * Explains, by its request id, why a call of any application that the actor may see was answered as it was. Throws {@link NotFound} alike
 * for an id that nobody was given, for a call that is forgotten or was only counted, and for someone else's.
 */
export async function explainCall(
  {
    db,
    lookForCall,
    readErrorPage,
  }: {
    readonly db: Database;
    readonly lookForCall: LookForCall;
    readonly readErrorPage: (code: string) => Promise<string | undefined>;
  },
  actor: Administrator,
  requestId: string,
): Promise<ExplainedCall> {
  const found = await lookForCall(requestId, () =>
    db.transaction(dataScopeOf(actor), async (tx) => {
      const call = await findCall(tx, requestId);
      if (!call) return undefined;
      try {
        return { call, ...(await getTokenAndApplicationFor(tx, actor, call.tokenId)) };
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    }),
  );
  if (!found) throw new NotFound("There is no such call.");
  const page = found.call.code === null ? undefined : await readErrorPage(found.call.code);
  return { ...found, explanation: explain({ ...found, ranges: "told" }, page) };
}
