import { dataScopeOf } from "../access/data-scope.ts";
import { RoleInsufficient } from "../access/errors.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { type FintechEntry, listEntriesOfOperators } from "../audit/list-entries.ts";
import { listApplicationsFor, type ReachableApplication } from "../fintechs/find-application.ts";
import { namePeople } from "../login/people/name-people.ts";
import type { Database, Transaction } from "../platform/database/database.ts";
import type { ApplicationId, TokenId, UserId } from "../platform/ids.ts";
import { placeTokens } from "../tokens/name-tokens.ts";

/** An entry, with the name that the fintech's people use for its object. */
export interface NamedEntry extends FintechEntry {
  /** The name of an application, a token or a person; null for everything else. */
  readonly objectName: string | null;
  /** The application that the object is, belongs to or is about. */
  readonly application: Pick<ReachableApplication, "applicationId" | "name" | "tenant"> | null;
}

export interface TeamActivityPage {
  readonly entries: readonly NamedEntry[];
  readonly next: { readonly at: Date; readonly entryId: string } | null;
}

/**
 * What the Fusion team did to the actor's own fintech and looked at there, latest first. For the fintech's admins; throws
 * `role_insufficient` for all others.
 */
export async function listTeamActivity(
  { db }: { readonly db: Database },
  principal: UserPrincipal,
  page: { readonly after: TeamActivityPage["next"]; readonly limit: number },
): Promise<TeamActivityPage> {
  const { fintech, role } = principal;
  if (role !== "fintech_admin" || fintech === null) throw new RoleInsufficient("an admin of a fintech");
  return db.transaction(dataScopeOf(principal), async (tx) => {
    const rows = await listEntriesOfOperators(tx, fintech, { ...page, limit: page.limit + 1 });
    const entries = rows.slice(0, page.limit);
    const last = rows.length > page.limit ? entries.at(-1) : undefined;
    return {
      entries: await withNames(tx, principal, entries),
      next: last ? { at: last.at, entryId: last.entryId } : null,
    };
  });
}

async function withNames(
  tx: Transaction,
  principal: UserPrincipal,
  entries: readonly FintechEntry[],
): Promise<NamedEntry[]> {
  const idsOf = <Id extends string>(kind: string): Id[] => [
    ...new Set(entries.flatMap(({ objectKind, objectId }) => (objectKind === kind ? (objectId as Id) : []))),
  ];
  const applications = new Map(
    (await listApplicationsFor(tx, principal)).map((each) => [each.applicationId, each]),
  );
  const tokens = await placeTokens(tx, idsOf<TokenId>("token"));
  const people = await namePeople(tx, idsOf<UserId>("user"));
  return entries.map((entry) => {
    const { objectKind, objectId, details } = entry;
    const token = objectKind === "token" ? tokens.get(objectId as TokenId) : undefined;
    const applicationId = (
      objectKind === "application" ? objectId : (token?.applicationId ?? details.applicationId)
    ) as ApplicationId;
    const application = applications.get(applicationId);
    const ownName = {
      application: application?.name,
      token: token?.name,
      user: people.get(objectId as UserId),
    }[objectKind];
    return {
      ...entry,
      objectName: ownName ?? null,
      application: application ?? null,
    };
  });
}
