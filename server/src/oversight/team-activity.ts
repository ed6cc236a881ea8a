import { dataScopeOf } from "../access/data-scope.ts";
import { RoleInsufficient } from "../access/errors.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { type FintechEntry, listEntriesOfOperators } from "../audit/list-entries.ts";
import type { Database } from "../platform/database/database.ts";

export interface TeamActivityPage {
  readonly entries: readonly FintechEntry[];
  readonly next: { readonly at: Date; readonly entryId: string } | null;
}

/**
 * What the Fusion team did to the own fintech and looked at there, latest first, for the fintech's admins. Throws `role_insufficient` for
 * all others.
 */
export async function listTeamActivity(
  { db }: { readonly db: Database },
  principal: UserPrincipal,
  page: { readonly after: TeamActivityPage["next"]; readonly limit: number },
): Promise<TeamActivityPage> {
  const { fintech, role } = principal;
  if (role !== "fintech_admin" || fintech === null) throw new RoleInsufficient("an admin of a fintech");
  const rows = await listEntriesOfOperators(db.reader(dataScopeOf(principal)), fintech, {
    ...page,
    limit: page.limit + 1,
  });
  const entries = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? entries.at(-1) : undefined;
  return { entries, next: last ? { at: last.at, entryId: last.entryId } : null };
}
