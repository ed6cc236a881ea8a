import { UnheardReason, type UnheardTokens } from "@fusion/contract/reminders.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import type { UserPrincipal } from "../access/principal.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope } from "../platform/database/database.ts";
import type { Metrics } from "../platform/metrics.ts";
import { findReminded } from "./preview-day.ts";
import { countUnheard, listUnheard } from "./unheard-store.ts";

/**
 * The active tokens of a fintech whose reminders reach nobody, or only the admins who stand in, those first that end first; only of
 * applications that the person may see. A renewed token is not among them, since its replacement counts. Throws as {@link findReminded}.
 */
export async function getUnheardTokens(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  principal: UserPrincipal,
  input: { readonly fintechId: string | undefined },
): Promise<UnheardTokens> {
  return db.transaction(dataScopeOf(principal), async (tx) => {
    const { fintech, applicationIds } = await findReminded(tx, principal, input.fintechId);
    const tokens = await listUnheard(tx, { ...fintech, applicationIds, now: clock.now(), limit: 100 });
    return {
      total: tokens[0]?.total ?? 0,
      tokens: tokens.map(({ total, expiresAt, ...token }) => ({
        ...token,
        expiresAt: expiresAt.toISOString(),
      })),
    };
  });
}

/** A little longer than the pause between counts: consecutive counts may come from different processes, and the last one's is valid. */
const countedForMs = 65 * 60_000;

/**
 * Counts, over all fintechs, what {@link getUnheardTokens} lists, and tells the metrics. It is a job and does not run when metrics are
 * read, since it reads every active token.
 */
export function measureUnheard(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  metrics: Pick<Metrics, "gauge"> | undefined,
): () => Promise<void> {
  let counted: { readonly at: Date; readonly counts: ReadonlyMap<UnheardReason, number> } | undefined;
  metrics?.gauge({
    name: "fusion_tokens_unheard",
    help: "Active tokens of whose end nobody would hear, or only admins who stand in, as counted in the last hour.",
    labels: ["reason"],
    read: () =>
      counted === undefined || clock.now().getTime() - counted.at.getTime() > countedForMs
        ? []
        : UnheardReason.options.map((reason) => ({
            labels: { reason },
            value: counted?.counts.get(reason) ?? 0,
          })),
  });
  return async () => {
    const at = clock.now();
    counted = { at, counts: await countUnheard(db.reader(systemScope), at) };
  };
}
