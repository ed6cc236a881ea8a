import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope } from "../platform/database/database.ts";
import type { RoomJobs } from "../platform/jobs/jobs.ts";
import type { Random } from "../platform/random.ts";
import { standardLimits } from "./limits.ts";
import { listUnrecordedLockouts } from "./lockout/failures.ts";
import { recordLockout } from "./lockout/record-lockout.ts";
import { tellOfLockout, tellOfLockoutTask } from "./lockout/tell-of-lockout.ts";
import { forgetOldDevices } from "./sessions/device-store.ts";

/**
 * Every hour: forgets what logging in no longer needs and records lockouts that were not recorded (may run twice: the second run finds
 * nothing). Also tells people who were locked out by wrong tries.
 */
export function loginJobs(deps: {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}): RoomJobs {
  return {
    tasks: {
      "login-forget": async () => {
        await forgetOldLogins(deps);
        await recordMissedLockouts(deps);
      },
      [tellOfLockoutTask]: async (payload) => {
        const { subject } = payload as { subject?: unknown };
        if (typeof subject === "string") await tellOfLockout(deps, subject);
      },
    },
    cron: [{ task: "login-forget", schedule: "17 * * * *" }],
  };
}

/** Sessions are kept for 30 days after their end, for "last seen"; counters until they no longer count. */
export async function forgetOldLogins({ db, clock }: { db: Database; clock: Clock }): Promise<void> {
  const now = clock.now();
  await db.transaction(systemScope, async (tx) => {
    await tx.query("DELETE FROM one_time_code WHERE expires_at < $1::timestamptz - interval '1 day'", [now]);
    await tx.query("DELETE FROM login_walk WHERE expires_at < $1", [now]);
    await tx.query("DELETE FROM code_sending WHERE touched_at < $1::timestamptz - interval '25 hours'", [
      now,
    ]);
    await tx.query("DELETE FROM user_session WHERE expires_at < $1::timestamptz - interval '30 days'", [now]);
    await forgetOldDevices(tx, now);
    // Counters of addresses that nobody has would otherwise grow without end. Those of people are deleted alike, since a difference would
    // tell who exists.
    await tx.query("DELETE FROM login_failure WHERE last_at < $1::timestamptz - interval '30 days'", [now]);
  });
}

/** Without this, nobody could let in a person whose lockout a fault left unrecorded: there would be nothing to approve. */
async function recordMissedLockouts(deps: {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}): Promise<void> {
  const parts = { ...deps, limits: standardLimits };
  await deps.db.transaction(systemScope, async (tx) => {
    for (const key of await listUnrecordedLockouts(tx, deps.clock.now(), parts.limits))
      await recordLockout(parts, tx, key, { kind: "recovery" });
  });
}
