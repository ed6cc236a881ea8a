import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import type { RoomJobs } from "../platform/jobs/jobs.ts";
import type { Log } from "../platform/log.ts";
import type { Random } from "../platform/random.ts";
import { announcementTask, tellAdmins } from "./announcement.ts";
import { forgetUsage } from "./forget-usage.ts";

const Announcement = z.object({ event: z.enum(["issued", "revoked"]), tokenId: z.string() });

/**
 * What this room leaves to the job queue: telling the admins about live tokens, and forgetting old calls every night: again,
 * where that was cut short, finds what is left.
 */
export function tokenJobs(deps: {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly publicUrl: string;
  readonly log: Log;
}): RoomJobs {
  return {
    tasks: {
      [announcementTask]: async (payload) => {
        const { event, tokenId } = Announcement.parse(payload);
        await tellAdmins(deps, { event, tokenId: tokenId as TokenId });
      },
      "tokens-forget-usage": () => forgetUsage(deps),
    },
    cron: [{ task: "tokens-forget-usage", schedule: "23 21 * * *", backfillMs: 86_400_000 }],
  };
}
