import type { SystemPrincipal } from "../access/principal.ts";
import { listAuditEntries } from "../audit/list-entries.ts";
import { recordAudit } from "../audit/record.ts";
import { systemScope, type Transaction } from "../platform/database/database.ts";
import type { FoundToken } from "./check-token.ts";
import { type RevokeDependencies, revokeTokens } from "./revoke-token.ts";

const scanner: SystemPrincipal = { kind: "system", name: "Secret scanning" };

/** Places that are kept of one token. A file that is copied a thousand times tells nothing more. */
const placesMax = 20;

export interface Finding {
  readonly found: FoundToken;
  readonly url: string | null | undefined;
  readonly source: string | null | undefined;
}

/**
 * Tokens were found where everybody can read them. Each place becomes part of its token's history, once, and the tokens are revoked as
 * compromised unless they have ended, with one wait for all; their fintechs' admins are told, also of a sandbox token, however the wait
 * ends. When this has returned, the tokens are refused everywhere.
 */
export async function reportFoundTokens(
  deps: RevokeDependencies,
  findings: readonly Finding[],
  { requestId }: { readonly requestId: string },
): Promise<void> {
  if (findings.length === 0) return;
  await deps.db.transaction(systemScope, async (tx) => {
    for (const finding of findings) await recordPlace(tx, deps, finding, requestId);
  });
  const byToken = new Map(findings.map(({ found }) => [found.tokenId, found]));
  // Also those that were revoked before: that may not yet be in force everywhere.
  const tokenIds = [...byToken.values()]
    .filter(({ refusal }) => refusal !== "token_expired")
    .map(({ tokenId }) => tokenId);
  if (tokenIds.length === 0) return;
  await revokeTokens(deps, scanner, { tokenIds, reason: "compromised", tellAdmins: true, requestId });
}

async function recordPlace(
  tx: Transaction,
  deps: RevokeDependencies,
  finding: Finding,
  requestId: string,
): Promise<void> {
  const { tokenId, tenant } = finding.found;
  const place = placeOf(finding);
  const known = (await listAuditEntries(tx, { kind: "token", id: tokenId }, 1_000)).filter(
    ({ action }) => action === "token.found",
  );
  if (known.length >= placesMax || known.some(({ details }) => details.url === place.url)) return;
  await recordAudit(tx, deps, scanner, {
    action: "token.found",
    object: { kind: "token", id: tokenId },
    fintech: tenant,
    details: place,
    requestId,
  });
}

/** In plain ASCII of a bounded length, whatever was reported; only web addresses count as such. */
function placeOf({ url, source }: { url?: string | null | undefined; source?: string | null | undefined }): {
  url: string | null;
  source: string | null;
} {
  const address = url && URL.canParse(url) ? new URL(url) : undefined;
  return {
    url: address && /^https?:$/.test(address.protocol) ? address.href.slice(0, 1_000) : null,
    source: source && /^[\w .:-]{1,60}$/.test(source) ? source : null,
  };
}
