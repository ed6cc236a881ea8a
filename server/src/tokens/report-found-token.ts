import type { SystemPrincipal } from "../access/principal.ts";
import { listAuditEntries } from "../audit/list-entries.ts";
import { recordAudit } from "../audit/record.ts";
import { systemScope } from "../platform/database/database.ts";
import { announce } from "./announcement.ts";
import type { FoundToken } from "./check-token.ts";
import { type RevokeDependencies, revokeToken } from "./revoke-token.ts";

const scanner: SystemPrincipal = { kind: "system", name: "Secret scanning" };

/** Places that are kept of one token. A file that is copied a thousand times tells nothing more. */
const placesMax = 20;

/**
 * A token was found where everybody can read it. The place becomes part of the token's history, once, and the token is revoked as compromised
 * unless it has ended; its fintech's admins are told, also of a sandbox token. When this has returned, the token is refused everywhere.
 */
export async function reportFoundToken(
  deps: RevokeDependencies,
  found: FoundToken,
  finding: {
    readonly url: string | null | undefined;
    readonly source: string | null | undefined;
    readonly requestId: string;
  },
): Promise<void> {
  const { tokenId, tenant } = found;
  const { requestId } = finding;
  const place = placeOf(finding);
  await deps.db.transaction(systemScope, async (tx) => {
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
  });
  if (found.refusal === "token_expired") return;
  // Also one that was revoked before: that may not yet be in force everywhere.
  await revokeToken(deps, scanner, { tokenId, reason: "compromised", requestId });
  if (found.refusal !== "token_revoked" && tenant.environment !== "live")
    await deps.db.transaction(systemScope, (tx) => announce(tx, "revoked", tokenId));
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
