import { systemScope } from "../../platform/database/database.ts";
import type { UserId } from "../../platform/ids.ts";
import { PasswordWrong } from "../errors.ts";
import { type CountedTry, type Counters, refusalOf, stricterOf, uncountTry } from "../lockout/failures.ts";
import { recordLockout } from "../lockout/record-lockout.ts";
import type { Browser, LoginParts } from "../parts.ts";
import { lockPerson } from "../people/person-store.ts";

/**
 * Compares a password with a stored one, for a try that was counted and committed before. The comparison takes long, so it happens outside
 * any transaction. If the password is right, `whenRight` does any other slow work and its result is returned. The try then stays counted
 * until a transaction forgets it, and that transaction must check that the stored password is still the same. A try that was not compared,
 * because too many people logged in at once, is taken back. Throws `password_wrong` at `pointer`, or `login_locked` or `recovery_required`
 * if that was the last try, and `login_busy`.
 */
export async function comparePassword<Result>(
  parts: LoginParts,
  browser: Browser,
  tried: {
    readonly counters: Counters;
    readonly counted: Extract<CountedTry, { counted: true }>;
    readonly stored: string | null;
    /** In its normal form (`normalisePassword`). */
    readonly password: string;
    readonly pointer: string;
  },
  whenRight: () => Promise<Result>,
): Promise<Result> {
  const { db, clock, hasher } = parts;
  const { counters, counted, stored, password, pointer } = tried;
  try {
    if (await hasher.verify(stored, password)) return await whenRight();
  } catch (error) {
    await db.transaction(systemScope, async (tx) => {
      // The person is locked before any counter, as everywhere: another transaction may be forgetting all counters now, in any order.
      await lockPerson(tx, counters.account.subject as UserId);
      await uncountTry(tx, counters);
    });
    throw error;
  }
  const state = stricterOf(counted.ifWrong, counted.accountIfWrong);
  if (state.kind !== "open")
    await db.transaction(systemScope, (tx) => recordLockout(parts, tx, counters.account, state, browser));
  throw refusalOf(state, clock.now()) ?? new PasswordWrong(pointer);
}
