import type { Transaction } from "../../platform/database/database.ts";
import type { SessionId, UserId } from "../../platform/ids.ts";
import { forgetAllFailures } from "../lockout/failures.ts";
import { setPasswordHash } from "../people/person-store.ts";
import { forgetDevices } from "../sessions/device-store.ts";
import { markAllSessionsEnded } from "../sessions/session-store.ts";
import { deleteReset } from "./reset-store.ts";

/**
 * Replaces a person's password and ends all that depended on the old one: sessions, known browsers, a request for approval or an approval,
 * and the counters of wrong tries, which guessed at another password. `staying` names the session and browser that are kept. A login that
 * was about to set a password finds that one has been set since (`setNewPassword`). Returns how many sessions ended. The caller has locked
 * the person.
 */
export async function putPassword(
  tx: Transaction,
  userId: UserId,
  change: {
    readonly passwordHash: string;
    readonly now: Date;
    readonly staying?: { readonly sessionId: SessionId; readonly deviceId: string };
  },
): Promise<number> {
  const { passwordHash, now, staying } = change;
  await setPasswordHash(tx, userId, passwordHash, now);
  const sessionsEnded = await markAllSessionsEnded(tx, userId, now, staying?.sessionId);
  await deleteReset(tx, userId);
  await forgetDevices(tx, userId, staying?.deviceId);
  await forgetAllFailures(tx, userId);
  return sessionsEnded;
}
