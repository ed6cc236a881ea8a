import type { CodeSent, ForgotPassword } from "@fusion/contract/login.ts";
import { recordAudit } from "../../audit/record.ts";
import { systemScope, type Transaction } from "../../platform/database/database.ts";
import { requireTriesLeft } from "../codes/one-time-code.ts";
import { LoginExpired } from "../errors.ts";
import type { Address } from "../identifier.ts";
import { findLockState, requireOpen } from "../lockout/failures.ts";
import { resetRequested, resetToApprove } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import type { Answered, Browser, LoginParts } from "../parts.ts";
import { requestReset } from "../passwords/reset-store.ts";
import { listAdminsOver } from "../people/list-admins-over.ts";
import { describeSending, sendCode } from "./start-login.ts";
import { lockPersonOf, lockWalk, moveWalk, type Walk } from "./walk-store.ts";

/**
 * "Forgot password", after the first code. If the person has a second identity, a code goes there and leads to setting the password. With
 * only one, or where messages to the second come back, an admin or the Fusion team must approve; the person is told, and so are all who may
 * approve. The same applies where no code has ever come back from the second identity and the person says that it does not reach them: it
 * may have been noted down wrongly. Throws what asking for another code throws.
 */
export async function forgotPassword(
  parts: LoginParts,
  browser: Browser,
  walkHash: Buffer,
  { otherUnreachable = false }: { otherUnreachable?: boolean | undefined },
): Promise<Answered<ForgotPassword>> {
  const { db, clock, limits } = parts;
  const now = clock.now();
  return db.transaction<Answered<ForgotPassword>>(systemScope, async (tx) => {
    const walk = await lockWalk(tx, walkHash, ["password", "forgot_code"], now);
    requireOpen(await findLockState(tx, walk, now, limits), now);
    const person = await lockPersonOf(tx, walk);
    if (!person) throw new LoginExpired();
    const other = person.identities.find(
      (identity) => identity.channel !== walk.address.channel && !identity.bounced,
    );
    if (other && (other.proven || !otherUnreachable)) {
      await requireTriesLeft(tx, { browserHash: walkHash, purpose: "forgot" });
      const { answer, afterwards } = await sendSecondCode(parts, tx, browser, { walk, other, now });
      return { answer: { next: "code", sent: answer, approvalInstead: !other.proven }, afterwards };
    }
    // Asking twice does not tell everyone twice. Asking on another day does, as the first message may have been overlooked.
    if (await requestReset(tx, { userId: person.userId, reason: "forgotten", now, limits })) {
      await recordAudit(
        tx,
        parts,
        { kind: "system" },
        {
          action: "password.reset-requested",
          object: { kind: "user", id: person.userId },
          fintech: person.fintech,
          details: { ip: browser.ip },
          requestId: browser.requestId,
        },
      );
      await tell(tx, parts, person.identities, resetRequested(now));
      await tell(tx, parts, await listAdminsOver(tx, person.userId), resetToApprove(person));
    }
    return { answer: { next: "approval" }, afterwards: () => undefined };
  });
}

/** Sends a code to the person's other identity, in a walk that one identity was verified in: a new password takes both. */
export async function sendSecondCode(
  parts: LoginParts,
  tx: Transaction,
  browser: Browser,
  { walk, other, now }: { walk: Walk; other: Address; now: Date },
): Promise<Answered<CodeSent>> {
  const { walkHash, deviceId } = walk;
  const afterwards = await sendCode(parts, tx, browser, {
    browserHash: walkHash,
    purpose: "forgot",
    address: other,
    deviceId,
    isKnown: true,
  });
  const verifiedAt = walk.verifiedAt ?? now;
  await moveWalk(tx, walkHash, { step: "forgot_code", verifiedAt, forgotAddress: other });
  return { answer: describeSending(parts, other), afterwards };
}
