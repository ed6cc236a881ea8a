import type { Transaction } from "../platform/database/database.ts";
import type { SessionId, UserId } from "../platform/ids.ts";
import { forgetAllFailures } from "./failures.ts";
import { setPasswordHash } from "./person-store.ts";
import { deleteReset } from "./reset-store.ts";
import { markAllSessionsEnded } from "./session-store.ts";

/**
 * Puts a new password in the place of the old one, with all that ends with that: sessions, browsers that are known, what waits for an approval
 * or was approved, and the wrong tries, which guessed at another; but for the session and the browser that are to stay. A login that was on its
 * way to setting a password finds that one was set since (`setNewPassword`). Returns how many sessions ended. For a person who is locked.
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
  await tx.query("DELETE FROM known_device WHERE user_id = $1 AND device_id IS DISTINCT FROM $2", [
    userId,
    staying?.deviceId ?? null,
  ]);
  await forgetAllFailures(tx, userId);
  return sessionsEnded;
}
