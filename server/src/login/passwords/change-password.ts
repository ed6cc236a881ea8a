import type { PasswordChange } from "@fusion/contract/login.ts";
import { SessionRequired } from "../../access/errors.ts";
import { requireRecentPresence } from "../../access/recent-presence.ts";
import { requireSession, transactionOf } from "../../access/transaction-of.ts";
import { recordAudit } from "../../audit/record.ts";
import { systemScope } from "../../platform/database/database.ts";
import { LoginExpired, PasswordRejected, PasswordWrong } from "../errors.ts";
import { accountAlone, countTry, refusalOf } from "../lockout/failures.ts";
import { passwordChanged } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import type { Browser, LoginParts } from "../parts.ts";
import { contextOf, lockPerson } from "../people/person-store.ts";
import type { ProvenSession } from "../sessions/authenticate.ts";
import { type RenewedCookies, renewCookies } from "../sessions/open-session.ts";
import { loadCommonPasswords } from "./common-passwords.ts";
import { comparePassword } from "./compare-password.ts";
import { findPasswordFault, normalisePassword } from "./password-rules.ts";
import { putPassword } from "./put-password.ts";

/**
 * Replaces one's own password, for a person who proved presence in the last five minutes and knows the present one. All other sessions end
 * and other browsers become unknown. This session goes on under new cookies, since a thief may have copied the old ones. The person is told
 * on every identity. A wrong present password counts like one at a login in this browser, and is counted before it is compared, so that a
 * stolen session gets no more guesses than a thief of the device. A fault of the new password is reported first, and takes no try.
 *
 * Throws, in this order, `session_required`, `step_up_required`, `password_rejected`, `login_locked`, `recovery_required`, `login_busy`,
 * `password_wrong`; nothing has changed then except the count of tries.
 */
export async function changePassword(
  parts: LoginParts,
  browser: Browser,
  session: ProvenSession,
  input: PasswordChange,
): Promise<RenewedCookies> {
  const { db, clock, limits, hasher } = parts;
  const { principal, deviceId } = session;
  const { userId, sessionId } = principal;
  const now = clock.now();
  const present = normalisePassword(input.currentPassword);
  const wanted = normalisePassword(input.newPassword);
  const counters = accountAlone({ subject: userId, deviceId });
  const common = await loadCommonPasswords();
  const { counted, stored } = await transactionOf({ db, scope: systemScope }, principal, async (tx) => {
    const person = await lockPerson(tx, userId);
    if (!person) throw new SessionRequired();
    requireRecentPresence(principal, clock);
    const fault =
      wanted === present
        ? "Use a password that differs from the current one."
        : findPasswordFault(wanted, contextOf(person), common);
    if (fault !== null) throw new PasswordRejected("/newPassword", fault);
    return {
      counted: await countTry(tx, counters, now, limits),
      stored: person.passwordHash,
    };
  });
  if (!counted.counted) throw refusalOf(counted.state, now) ?? new LoginExpired();
  const tried = { counters, counted, stored, password: present, pointer: "/currentPassword" };
  const passwordHash = await comparePassword(parts, browser, tried, () => hasher.hash(wanted));
  return db.transaction(systemScope, async (tx) => {
    const person = await lockPerson(tx, userId);
    // The session has another id by now if another change in this same session was faster. This change renews the id too, so nothing checks
    // the session again at the end.
    await requireSession(tx, principal, "NO KEY UPDATE");
    if (person?.passwordHash !== stored) throw new PasswordWrong("/currentPassword");
    const setAt = clock.now();
    const staying = { sessionId, deviceId };
    const sessionsEnded = await putPassword(tx, userId, { passwordHash, now: setAt, staying });
    const renewed = await renewCookies(parts, tx, browser, session);
    await recordAudit(tx, parts, principal, {
      action: "password.set",
      object: { kind: "user", id: userId },
      fintech: person.fintech,
      details: { reason: "changed", sessionsEnded },
      requestId: browser.requestId,
    });
    await tell(
      tx,
      parts,
      person.identities,
      passwordChanged(setAt, "on your account page", { first: false }),
    );
    return renewed;
  });
}
