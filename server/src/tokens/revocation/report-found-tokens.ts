import type { SystemPrincipal } from "../../access/principal.ts";
import { listAuditEntries } from "../../audit/list-entries.ts";
import { recordAudit } from "../../audit/record.ts";
import { systemScope, type Transaction } from "../../platform/database/database.ts";
import type { FoundToken } from "../check/check-token.ts";
import { withoutSecrets } from "../token-secret.ts";
import { type RevokeDependencies, revokeTokens } from "./revoke-token.ts";

const scanner: SystemPrincipal = { kind: "system", name: "Secret scanning" };

/** Places kept for one token. A file that is copied a thousand times tells nothing more. */
const placesMax = 20;

export interface Finding {
  readonly found: FoundToken;
  readonly url: string | null | undefined;
  readonly source: string | null | undefined;
}

/** Tokens that are revoked together, with one wait for all of them. */
const togetherMax = 500;

/**
 * Handles tokens that were found where everybody can read them. Each place is added to its token's history, once, and the tokens are
 * revoked as compromised unless they have ended. Their fintechs' admins are told, of sandbox tokens too, however the wait for the nodes
 * ends. When this has returned, the tokens are refused everywhere.
 */
export async function reportFoundTokens(
  deps: RevokeDependencies,
  findings: readonly Finding[],
  { requestId }: { readonly requestId: string },
): Promise<void> {
  const byToken = [...Map.groupBy(findings, ({ found }) => found.tokenId).values()];
  for (let from = 0; from < byToken.length; from += togetherMax)
    await reportTogether(deps, byToken.slice(from, from + togetherMax), requestId);
}

async function reportTogether(
  deps: RevokeDependencies,
  byToken: readonly (readonly Finding[])[],
  requestId: string,
): Promise<void> {
  await deps.db.transaction(systemScope, async (tx) => {
    for (const ofOne of byToken) await recordPlaces(tx, deps, ofOne, requestId);
  });
  // Includes tokens that were revoked before: that may not be in force everywhere yet.
  const tokenIds = byToken
    .flatMap(([first]) => first ?? [])
    .filter(({ found }) => found.refusal !== "token_expired")
    .map(({ found }) => found.tokenId);
  if (tokenIds.length === 0) return;
  await revokeTokens(deps, scanner, { tokenIds, reason: "compromised", tellAdmins: true, requestId });
}

/** Records the places where one token was found that its history does not have yet. */
async function recordPlaces(
  tx: Transaction,
  deps: RevokeDependencies,
  findings: readonly Finding[],
  requestId: string,
): Promise<void> {
  const [first] = findings;
  if (!first) return;
  const { tokenId, tenant } = first.found;
  const entries = await listAuditEntries(tx, { kind: "token", id: tokenId }, 1_000);
  const known = new Set(
    entries.filter(({ action }) => action === "token.found").map(({ details }) => details.url),
  );
  for (const finding of findings) {
    if (known.size >= placesMax) return;
    const place = placeOf(finding);
    if (known.has(place.url)) continue;
    known.add(place.url);
    await recordAudit(tx, deps, scanner, {
      action: "token.found",
      object: { kind: "token", id: tokenId },
      fintech: tenant,
      details: place,
      requestId,
    });
  }
}

/**
 * The place in plain ASCII of a bounded length, whatever was reported. Only web addresses are kept as such, cut where they are too long,
 * and without the tokens that may stand in them (a search, a file's name): the history and the admins' mail must not spread those.
 */
function placeOf({ url, source }: { url?: string | null | undefined; source?: string | null | undefined }): {
  url: string | null;
  source: string | null;
} {
  const address = url && URL.canParse(url) ? new URL(url) : undefined;
  return {
    url: address && /^https?:$/.test(address.protocol) ? withoutSecrets(address.href).slice(0, 1_000) : null,
    source: source && /^[\w .:-]{1,60}$/.test(source) ? source : null,
  };
}
