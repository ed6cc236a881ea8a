import { recordAudit } from "../../audit/record.ts";
import type { Transaction } from "../../platform/database/database.ts";
import type { FintechId, IfiId } from "../../platform/ids.ts";
import type { Browser, LoginParts } from "../parts.ts";
import { requestReset } from "../passwords/reset-store.ts";
import type { FailureKey, LockState } from "./failures.ts";
import { tellOfLockoutLater } from "./tell-of-lockout.ts";

/**
 * Records that wrong tries locked the person out, the last of them from this browser, if it is known. After a hundred in a row a new
 * password waits for approval, and a job tells the person and everyone who may approve. Runs the same statements where there is no person.
 */
export async function recordLockout(
  parts: Pick<LoginParts, "clock" | "random" | "limits">,
  tx: Transaction,
  key: FailureKey,
  state: LockState,
  browser?: Browser,
): Promise<void> {
  const isPerson = key.subject.startsWith("usr_");
  const [person] = await tx.query<{ ifi_id: IfiId | null; fintech_id: FintechId | null }>(
    "SELECT ifi_id, fintech_id FROM console_user WHERE user_id = $1",
    [key.subject],
  );
  if (state.kind === "recovery") {
    const { clock, limits } = parts;
    await requestReset(tx, { userId: key.subject, reason: "too_many_failures", now: clock.now(), limits });
    await tellOfLockoutLater(tx, key.subject);
  }
  await recordAudit(
    tx,
    parts,
    { kind: "system" },
    {
      action: state.kind === "recovery" ? "login.recovery-required" : "login.locked",
      object: { kind: isPerson ? "user" : "address", id: key.subject },
      fintech:
        person?.ifi_id && person.fintech_id ? { ifiId: person.ifi_id, fintechId: person.fintech_id } : null,
      details: { browser: key.deviceId === "" ? "unknown" : "known", ip: browser?.ip },
      requestId: browser?.requestId,
    },
  );
}
