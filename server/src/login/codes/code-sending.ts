import type { Transaction } from "../../platform/database/database.ts";
import { networkOf } from "../../platform/ip-network.ts";
import type { Keys } from "../../platform/keys.ts";
import { CodeSendLimited } from "../errors.ts";
import type { Address } from "../identifier.ts";
import type { LoginLimits } from "../limits.ts";

interface Rule {
  readonly windowMs: number;
  readonly max: number;
}

/** When the next send is allowed by these rules, given the earlier ones; null: now. Pure. */
export function nextSendAt(sentAt: readonly Date[], rules: readonly Rule[], now: Date): Date | null {
  let next: number | null = null;
  for (const { windowMs, max } of rules) {
    const within = sentAt
      .map((at) => at.getTime())
      .filter((at) => at > now.getTime() - windowMs)
      .sort((a, b) => b - a);
    // There is room again when this one leaves the window.
    const blocking = within[max - 1];
    if (blocking !== undefined) next = Math.max(next ?? 0, blocking + windowMs);
  }
  return next === null ? null : new Date(next);
}

/**
 * Takes the right to send one code to the address, for a request from that IP. The counters are rows of the database, locked in one order,
 * so that all processes share them and no two requests take the last one. An address that nobody has is counted like any other; only the
 * cap over all leaves it out, since nothing is sent there.
 *
 * Unknown browsers share the address's counter and their IP's. Known ones have their own counter for the address, as with wrong tries, and
 * otherwise only the cap over all applies: a stranger, even in the same office, cannot use up what the owner needs to log in and revoke. (A
 * browser is known by a secret that it got at a login, and only to the person who logged in.) Throws {@link CodeSendLimited}, and then
 * nothing is counted.
 */
export async function takeSend(
  tx: Transaction,
  { keys, limits }: { keys: Keys; limits: LoginLimits },
  request: { address: Address; deviceId: string; ip: string; now: Date; isKnown: boolean },
): Promise<void> {
  const { address, deviceId, ip, now } = request;
  const hour = 3_600_000;
  const addressKey = `address/${keys.mac("otp", `sends/${address.channel}/${address.address}/${deviceId}`).toString("base64url")}`;
  const ipKey = `ip/${keys.mac("otp", `sends/${networkOf(ip)}`).toString("base64url")}`;
  const allKey = `all/${now.toISOString().slice(0, 13)}`;
  const taken = deviceId === "" ? [addressKey, ipKey, allKey] : [addressKey, allKey];
  const rows = await tx.query<{ key: string; sent_at: Date[]; sends: number }>(
    `INSERT INTO code_sending (key, touched_at) SELECT key, $2 FROM unnest($1::text[]) AS key ORDER BY key
     ON CONFLICT (key) DO UPDATE SET touched_at = EXCLUDED.touched_at
     RETURNING key, sent_at, sends`,
    [taken, now],
  );
  const row = new Map(rows.map((each) => [each.key, each]));
  const waits = [
    nextSendAt(
      row.get(addressKey)?.sent_at ?? [],
      [
        { windowMs: limits.sendPauseMs, max: 1 },
        { windowMs: hour, max: limits.sendsPerHour },
        { windowMs: 24 * hour, max: limits.sendsPerDay },
      ],
      now,
    ),
    nextSendAt(row.get(ipKey)?.sent_at ?? [], [{ windowMs: hour, max: limits.sendsPerHourAndIp }], now),
    (row.get(allKey)?.sends ?? 0) >= limits.sendsPerHourInAll
      ? new Date((Math.floor(now.getTime() / hour) + 1) * hour)
      : null,
  ].filter((at) => at !== null);
  if (waits.length > 0) {
    const until = Math.max(...waits.map((at) => at.getTime()));
    throw new CodeSendLimited(Math.max(1, Math.ceil((until - now.getTime()) / 1000)));
  }
  await tx.query(
    `UPDATE code_sending SET
       sent_at = CASE WHEN key = $3 THEN '{}'
                      ELSE array(SELECT at FROM unnest(sent_at) AS at WHERE at > $2::timestamptz - interval '24 hours') || $2::timestamptz END,
       sends = sends + CASE WHEN key = $3 THEN $4::int ELSE 1 END
     WHERE key = ANY ($1::text[])`,
    [taken, now, allKey, request.isKnown ? 1 : 0],
  );
}
