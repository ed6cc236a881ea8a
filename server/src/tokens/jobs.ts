import { z } from "zod";
import type { Nodes } from "../leases/nodes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import type { RoomJobs } from "../platform/jobs/jobs.ts";
import type { Log } from "../platform/log.ts";
import type { Random } from "../platform/random.ts";
import { announcementTask, revocationsTask } from "./announcement.ts";
import { carryOutPlannedRevocations, plannedRevocationsTask } from "./revocation/planned-revocations.ts";
import { tellAdmins, tellAdminsOfRevocations } from "./tell-admins.ts";
import { forgetUsage } from "./usage/forget-usage.ts";

const Announcement = z.object({ event: z.enum(["issued", "revoked"]), tokenId: z.string() });
const Revocations = z.object({ tokenIds: z.array(z.string()) });

/**
 * This room's jobs: telling admins about tokens; revoking renewed tokens when their overlap is over, at that moment or within a minute; and
 * forgetting old calls every night. A run that was cut short may be repeated and finds what is left.
 */
export function tokenJobs(deps: {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
  readonly publicUrl: string;
  readonly log: Log;
}): RoomJobs {
  return {
    tasks: {
      [announcementTask]: async (payload) => {
        const { event, tokenId } = Announcement.parse(payload);
        await tellAdmins(deps, { event, tokenId: tokenId as TokenId });
      },
      [revocationsTask]: async (payload) => {
        const { tokenIds } = Revocations.parse(payload);
        await tellAdminsOfRevocations(deps, { tokenIds: tokenIds as TokenId[] });
      },
      [plannedRevocationsTask]: () => carryOutPlannedRevocations(deps),
      "tokens-forget-usage": () => forgetUsage(deps),
    },
    cron: [
      { task: plannedRevocationsTask, schedule: "* * * * *", first: true },
      { task: "tokens-forget-usage", schedule: "23 21 * * *", backfillMs: 86_400_000 },
    ],
  };
}
