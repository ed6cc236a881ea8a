import { dataScopeOf } from "../access/data-scope.ts";
import type { Administrator } from "../access/roles.ts";
import type { Database, Transaction } from "../platform/database/database.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { type Contact, listApplicationContacts } from "./contacts.ts";
import { getApplicationFor, listApplicationsFor, type ReachableApplication } from "./find-application.ts";

/** What the tokens room knows of an application. This room may not import that one, so the function is passed in. */
export interface TokenFigures {
  /** Every token that works, including those that are expiring. */
  readonly active: number;
  readonly expiring: number;
  readonly lastUsedAt: Date | null;
}
export type CountTokens = (
  tx: Transaction,
  applicationIds: readonly ApplicationId[],
) => Promise<ReadonlyMap<ApplicationId, TokenFigures>>;

export interface ListedApplication {
  readonly application: ReachableApplication;
  readonly figures: TokenFigures;
}

const none: TokenFigures = { active: 0, expiring: 0, lastUsedAt: null };

/** Every application that the actor may see, with figures of its tokens. */
export async function listApplications(
  { db, countTokens }: { readonly db: Database; readonly countTokens: CountTokens },
  actor: Administrator,
): Promise<ListedApplication[]> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    const applications = await listApplicationsFor(tx, actor);
    const figures = await countTokens(
      tx,
      applications.map(({ applicationId }) => applicationId),
    );
    return applications.map((application) => ({
      application,
      figures: figures.get(application.applicationId) ?? none,
    }));
  });
}

/** One application with the people who look after it. Throws `not_found`. */
export async function getApplication(
  { db, countTokens }: { readonly db: Database; readonly countTokens: CountTokens },
  actor: Administrator,
  applicationId: ApplicationId,
): Promise<ListedApplication & { readonly contacts: readonly Contact[] }> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    const application = await getApplicationFor(tx, actor, applicationId);
    return {
      application,
      figures: (await countTokens(tx, [applicationId])).get(applicationId) ?? none,
      contacts: await listApplicationContacts(tx, application),
    };
  });
}
