import { systemScope } from "../../platform/database/database.ts";
import { LoginExpired } from "../errors.ts";
import { countersOf, countTry, findLockState, requireOpen } from "../lockout/failures.ts";
import type { Browser, LoginParts } from "../parts.ts";
import { comparePassword } from "../passwords/compare-password.ts";
import { normalisePassword } from "../passwords/password-rules.ts";
import { deleteUnneededReset } from "../passwords/reset-store.ts";
import { replacePasswordHash } from "../people/person-store.ts";
import { type OpenedSession, openSession } from "../sessions/open-session.ts";
import { lockPersonOf, lockWalk } from "./walk-store.ts";

/**
 * The last step of every login but the first. The try is counted and committed before the password is compared. The comparison takes long,
 * so it happens outside any transaction. A try that was not compared, because too many people logged in at once, is taken back. Throws
 * `password_wrong`, `login_locked`, `recovery_required`, `login_busy`, `login_expired`, `login_step_wrong`.
 */
export async function checkPassword(
  parts: LoginParts,
  browser: Browser,
  walkHash: Buffer,
  input: { password: string },
): Promise<OpenedSession> {
  const { db, clock, keys, limits, hasher } = parts;
  const now = clock.now();
  const { counters, counted, stored } = await db.transaction(systemScope, async (tx) => {
    const current = await lockWalk(tx, walkHash, ["password"], now);
    if (current.userId === null) throw new LoginExpired();
    const person = await lockPersonOf(tx, current);
    const counters = countersOf(keys, current);
    const counted = await countTry(tx, counters, now, limits);
    return {
      counters,
      // A code was right, so it may be told whether the account is locked.
      counted:
        counted.counted && !counted.accountOpen
          ? { counted: false as const, state: await findLockState(tx, counters.account, now, limits) }
          : counted,
      stored: person?.passwordHash ?? null,
    };
  });
  if (!counted.counted) {
    requireOpen(counted.state, now);
    throw new LoginExpired();
  }
  const password = normalisePassword(input.password);
  const tried = { counters, counted, stored, password, pointer: "/password" };
  const rehashed = await comparePassword(parts, browser, tried, async () =>
    stored !== null && hasher.isOutdated(stored) ? hasher.hash(password) : null,
  );
  return db.transaction(systemScope, async (tx) => {
    // Read again: meanwhile the walk may have finished, the access ended, or the password changed.
    const current = await lockWalk(tx, walkHash, ["password"], clock.now());
    const person = await lockPersonOf(tx, current);
    if (!person || person.passwordHash !== stored) throw new LoginExpired();
    await deleteUnneededReset(tx, person.userId, limits);
    if (stored !== null && rehashed !== null)
      await replacePasswordHash(tx, person.userId, { from: stored, to: rehashed });
    return openSession(parts, tx, browser, { walk: current, person });
  });
}
