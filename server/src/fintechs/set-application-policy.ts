import { IpAllowList } from "@fusion/contract/ip-allow-list.ts";
import { Scope } from "@fusion/contract/scopes.ts";
import { z } from "zod";
import { closeGate, retryingGate } from "../access/gate.ts";
import { readIpAllowList } from "../access/ip-allow-list.ts";
import { requireRecentPresence } from "../access/recent-presence.ts";
import { type Administrator, requireManagerOf, requireOperatorAdmin } from "../access/roles.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import { epochAtCommit, type Nodes } from "../leases/nodes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { ApplicationId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import type { Application } from "./application.ts";
import { writePolicy } from "./application-store.ts";
import { getApplicationFor } from "./find-application.ts";
import { parseInput } from "./parse-input.ts";

/** The settings to change; the others stay. */
export const ApplicationPolicy = z.object({
  ipAllowList: IpAllowList.optional(),
  scopes: z
    .array(Scope)
    .min(1)
    .transform((scopes) => [...new Set(scopes)])
    .optional()
    .describe(
      "Scopes that its tokens may have; of those that they were given, what is outside does not count.",
    ),
  tokensMax: z.number().int().min(1).max(1000).nullable().optional().describe("Null: the fintech's limit."),
});

export interface PolicyDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
}

/**
 * Sets the addresses from which an application's tokens may be used, which scopes they may have and how many may be live. Works like a
 * revocation: when this has returned, every node refuses what is outside the new rules, and nothing commits on the authority of a call that
 * was admitted under the old ones and would not be under these. Tokens that are live stay, whatever the limit says.
 *
 * The list is for the fintech's admins (in live applications with recent presence), operator admins and the command line; scopes and limit
 * are the Fusion team's. Throws `not_found`, `role_insufficient`, `step_up_required`, `invalid_input`, and `change_unconfirmed` when the
 * rules are set but it is not certain that every node knows.
 */
export async function setApplicationPolicy(
  { db, clock, random, nodes }: PolicyDependencies,
  actor: Administrator,
  input: {
    readonly applicationId: ApplicationId;
    readonly policy: z.input<typeof ApplicationPolicy>;
    readonly requestId?: string;
  },
): Promise<Application> {
  const { after, epoch } = await retryingGate(() =>
    transactionOf({ db }, actor, async (tx) => {
      const epoch = epochAtCommit(tx);
      const { tenant } = await getApplicationFor(tx, actor, input.applicationId);
      requireManagerOf(actor, tenant);
      const { ipAllowList, ...operators } = parseInput(ApplicationPolicy, input.policy);
      if (Object.keys(operators).length > 0) requireOperatorAdmin(actor);
      if (actor.kind === "user" && tenant.environment === "live") requireRecentPresence(actor, clock);
      const wanted = {
        ...operators,
        ...(ipAllowList === undefined ? {} : { ipAllowList: readIpAllowList(ipAllowList) }),
      };
      await closeGate(tx, tenant);
      const before = await getApplicationFor(tx, actor, input.applicationId);
      await writePolicy(tx, input.applicationId, wanted);
      const after = await getApplicationFor(tx, actor, input.applicationId);
      const changes = changesBetween(before, after);
      if (Object.keys(changes).length > 0)
        await recordAudit(tx, { random }, actor, {
          action: "application.policy-set",
          object: { kind: "application", id: input.applicationId },
          fintech: tenant,
          details: changes,
          requestId: input.requestId,
        });
      return { after, epoch };
    }),
  );
  // Also when nothing changed: this may repeat a call that was not confirmed.
  await nodes.untilAllKnow(await epoch);
  return after;
}

const settings = ["ipAllowList", "scopes", "tokensMax"] as const;

function changesBetween(before: Application, after: Application): Record<string, unknown> {
  return Object.fromEntries(
    settings
      .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
      .map((name) => [name, { from: before[name], to: after[name] }]),
  );
}
