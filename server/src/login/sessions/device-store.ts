import type { Transaction } from "../../platform/database/database.ts";
import type { UserId } from "../../platform/ids.ts";

// All SQL on known browsers, private to the room.

/** The browser's own id if the person has logged in with it before; '' otherwise, and when there is no person. */
export async function findKnownDevice(
  tx: Transaction,
  { userId, deviceHash }: { userId: UserId | null; deviceHash: Buffer | undefined },
): Promise<string> {
  const [row] = await tx.query<{ device_id: string }>(
    "SELECT device_id FROM known_device WHERE device_hash = $1 AND user_id = $2",
    [deviceHash ?? Buffer.alloc(0), userId ?? ""],
  );
  return row?.device_id ?? "";
}

export async function hasKnownDevice(tx: Transaction, userId: UserId): Promise<boolean> {
  const [any] = await tx.query("SELECT FROM known_device WHERE user_id = $1 LIMIT 1", [userId]);
  return any !== undefined;
}

/** Gives a browser that is still known to the person a new time of its last login. False when it is not known. */
export async function touchDevice(
  tx: Transaction,
  { userId, deviceId, now }: { userId: UserId; deviceId: string; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    "UPDATE known_device SET last_login_at = $3 WHERE user_id = $1 AND device_id = $2 RETURNING device_id",
    [userId, deviceId, now],
  );
  return rows.length > 0;
}

/** Makes the browser with this cookie known to the person under this id. */
export async function insertDevice(
  tx: Transaction,
  device: { userId: UserId; deviceId: string; deviceHash: Buffer; now: Date },
): Promise<void> {
  await tx.query(
    `INSERT INTO known_device AS d (device_hash, user_id, device_id, created_at, last_login_at) VALUES ($1, $2, $3, $4, $4)
     ON CONFLICT (device_hash, user_id) DO UPDATE SET device_id = EXCLUDED.device_id, last_login_at = EXCLUDED.last_login_at`,
    [device.deviceHash, device.userId, device.deviceId, device.now],
  );
}

/** The browser has a new cookie. It stays known to everybody who uses it. */
export async function moveDevices(
  tx: Transaction,
  { from, to }: { from: Buffer; to: Buffer },
): Promise<void> {
  await tx.query("UPDATE known_device SET device_hash = $2 WHERE device_hash = $1", [from, to]);
}

/** {@link moveDevices}, and likewise for this browser of the person under whatever cookie it is known. */
export async function renewDevice(
  tx: Transaction,
  { userId, deviceId }: { userId: UserId; deviceId: string },
  { from, to }: { from: Buffer | undefined; to: Buffer },
): Promise<void> {
  await tx.query(
    "UPDATE known_device SET device_hash = $3 WHERE device_hash = $4 OR user_id = $1 AND device_id = $2",
    [userId, deviceId, to, from ?? null],
  );
}

/** No browser is known to the person any more, except one that is to stay. */
export async function forgetDevices(
  tx: Transaction,
  userId: UserId,
  staying: string | null = null,
): Promise<void> {
  await tx.query("DELETE FROM known_device WHERE user_id = $1 AND device_id IS DISTINCT FROM $2", [
    userId,
    staying,
  ]);
}

/**
 * Forgets browsers that nobody has logged in with for as long as browsers keep the cookie (cookies.ts). The last one of each person stays:
 * without any, a login by any browser would look like their first, of which nobody is told.
 */
export async function forgetOldDevices(tx: Transaction, now: Date): Promise<void> {
  await tx.query(
    `DELETE FROM known_device old WHERE last_login_at < $1::timestamptz - interval '400 days'
       AND EXISTS (SELECT FROM known_device newer WHERE newer.user_id = old.user_id
                     AND (newer.last_login_at, newer.device_id) > (old.last_login_at, old.device_id))`,
    [now],
  );
}
