import { recordAudit } from "../../audit/record.ts";
import { systemScope } from "../../platform/database/database.ts";
import { LoginExpired, PasswordRejected } from "../errors.ts";
import { passwordChanged } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import type { Browser, LoginParts } from "../parts.ts";
import { loadCommonPasswords } from "../passwords/common-passwords.ts";
import { findPasswordFault, normalisePassword } from "../passwords/password-rules.ts";
import { putPassword } from "../passwords/put-password.ts";
import { findReset } from "../passwords/reset-store.ts";
import { contextOf } from "../people/person-store.ts";
import { type OpenedSession, openSession } from "../sessions/open-session.ts";
import { lockPersonOf, lockWalk, type SetReason } from "./walk-store.ts";

const reasonWords: Readonly<Record<SetReason, string>> = {
  first_login: "first login",
  forgotten: "forgotten password, codes to both addresses",
  approved: "forgotten password, approved",
};

/**
 * Sets the password at the first login and after a forgotten one, and logs in. All other sessions end, known devices become unknown,
 * counters start afresh, and the person is told on every identity. Throws `password_rejected` (nothing has changed and the step stays
 * open), `login_expired`, `login_step_wrong`.
 */
export async function setNewPassword(
  parts: LoginParts,
  browser: Browser,
  walkHash: Buffer,
  input: { password: string },
): Promise<OpenedSession> {
  const { db, clock, hasher } = parts;
  const password = normalisePassword(input.password);
  const asked = await db.transaction(systemScope, async (tx) => {
    const walk = await lockWalk(tx, walkHash, ["set_password"], clock.now());
    return lockPersonOf(tx, walk);
  });
  if (!asked) throw new LoginExpired();
  const fault = findPasswordFault(password, contextOf(asked), await loadCommonPasswords());
  if (fault !== null) throw new PasswordRejected("/password", fault);
  const passwordHash = await hasher.hash(password);
  return db.transaction(systemScope, async (tx) => {
    const now = clock.now();
    // The lock decides between two concurrent requests: the second finds no walk.
    const walk = await lockWalk(tx, walkHash, ["set_password"], now);
    const person = await lockPersonOf(tx, walk);
    const reason = walk.setReason;
    // It is a first login only until somebody sets the password; an approval or a pair of codes can be used once.
    if (!person || reason === null || (reason === "first_login" && person.passwordHash !== null))
      throw new LoginExpired();
    // Withdrawn meanwhile: the person logged in with the password after all, or approval was requested anew.
    if (reason === "approved" && !(await findReset(tx, person.userId))?.approvedAt) throw new LoginExpired();
    if (person.passwordSetAt !== null && walk.verifiedAt !== null && person.passwordSetAt > walk.verifiedAt)
      throw new LoginExpired();
    const sessionsEnded = await putPassword(tx, person.userId, { passwordHash, now });
    const opened = await openSession(parts, tx, browser, { walk, person });
    await recordAudit(tx, parts, opened.principal, {
      action: "password.set",
      object: { kind: "user", id: person.userId },
      fintech: person.fintech,
      details: { reason, sessionsEnded },
      requestId: browser.requestId,
    });
    await tell(
      tx,
      parts,
      person.identities,
      passwordChanged(now, reasonWords[reason], { first: reason === "first_login" }),
    );
    return opened;
  });
}
