import type { CodeSent, StepUpDone } from "@fusion/contract/login.ts";
import { SessionRequired } from "../../access/errors.ts";
import { presenceEndsAt } from "../../access/recent-presence.ts";
import { transactionOf } from "../../access/transaction-of.ts";
import { recordAudit } from "../../audit/record.ts";
import { systemScope, type Transaction } from "../../platform/database/database.ts";
import { DomainError } from "../../platform/errors.ts";
import { findUsableCode } from "../codes/one-time-code.ts";
import { ChannelMissing } from "../errors.ts";
import type { Address } from "../identifier.ts";
import { accountAlone, type FailureKey, findLockState, requireOpen } from "../lockout/failures.ts";
import type { Answered, Browser, LoginParts } from "../parts.ts";
import { lockPerson } from "../people/person-store.ts";
import { describeSending, sendCode } from "../walk/start-login.ts";
import { accept, tryCode } from "../walk/verify-code.ts";
import type { ProvenSession } from "./authenticate.ts";
import { markSteppedUp } from "./session-store.ts";

/** Sends a code with which the person proves presence to one of their own addresses: the requested one, else the phone, else the email. */
export async function startStepUp(
  parts: LoginParts,
  browser: Browser,
  session: ProvenSession,
  { channel }: { channel?: Address["channel"] | undefined },
): Promise<Answered<CodeSent>> {
  const now = parts.clock.now();
  return transactionOf({ db: parts.db, scope: systemScope }, session.principal, async (tx) => {
    const person = await lockPerson(tx, session.principal.userId);
    if (!person) throw new SessionRequired();
    requireOpen(await findLockState(tx, keyOf(session), now, parts.limits), now);
    const address =
      person.identities.find((identity) => identity.channel === (channel ?? "sms")) ?? person.identities[0];
    if (!address || (channel !== undefined && address.channel !== channel)) throw new ChannelMissing();
    const afterwards = await sendCode(parts, tx, browser, {
      browserHash: session.secretHash,
      purpose: "step_up",
      address,
      deviceId: session.deviceId,
      isKnown: true,
    });
    return { answer: describeSending(parts, address), afterwards };
  });
}

/**
 * The code that this session was sent and can still use, with the seconds left; null if there is none. For a page that was loaded anew
 * while the code was read, and for another tab: a second code would have to wait, and would make the first one void.
 */
export async function findStepUpCode(
  parts: LoginParts,
  { secretHash }: ProvenSession,
): Promise<CodeSent | null> {
  const now = parts.clock.now();
  const key = { browserHash: secretHash, purpose: "step_up" } as const;
  const code = await findUsableCode(parts.db.reader(systemScope), key, now);
  if (!code) return null;
  const secondsUntil = (at: number): number => Math.max(0, Math.ceil((at - now.getTime()) / 1_000));
  return {
    ...describeSending(parts, code.address),
    expiresInSeconds: secondsUntil(code.expiresAt.getTime()),
    resendInSeconds: secondsUntil(code.createdAt.getTime() + parts.limits.sendPauseMs),
  };
}

/** Verifies that code, counting tries as at a login. Presence then counts as proven for five minutes, in this session alone. */
export async function finishStepUp(
  parts: LoginParts,
  browser: Browser,
  session: ProvenSession,
  { code }: { code: string },
): Promise<StepUpDone> {
  const now = parts.clock.now();
  const { principal, secretHash } = session;
  const counters = accountAlone(keyOf(session));
  const work = async (tx: Transaction): Promise<StepUpDone | DomainError> => {
    const person = await lockPerson(tx, principal.userId);
    if (!person) throw new SessionRequired();
    const tried = await tryCode(parts, tx, {
      browserHash: secretHash,
      purpose: "step_up",
      counters,
      typed: code,
      browser,
    });
    if ("refusal" in tried) return tried.refusal;
    await accept(parts, tx, {
      browserHash: secretHash,
      purpose: "step_up",
      counters,
      address: tried.address,
      person,
    });
    await markSteppedUp(tx, principal.sessionId, now);
    await recordAudit(tx, parts, principal, {
      action: "session.stepped-up",
      object: { kind: "session", id: principal.sessionId },
      fintech: principal.fintech,
      requestId: browser.requestId,
    });
    return { steppedUpUntil: presenceEndsAt(now).toISOString() };
  };
  const outcome = await transactionOf({ db: parts.db, scope: systemScope }, principal, work);
  if (outcome instanceof DomainError) throw outcome;
  return outcome;
}

function keyOf({ principal, deviceId }: ProvenSession): FailureKey {
  return { subject: principal.userId, deviceId };
}
