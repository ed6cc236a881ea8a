import type { LoginNext } from "@fusion/contract/login.ts";
import { systemScope, type Transaction } from "../../platform/database/database.ts";
import type { DomainError } from "../../platform/errors.ts";
import { type CodePurpose, isCode, readCode, takeTry, useUp } from "../codes/one-time-code.ts";
import { CodeExpired, CodeMalformed, CodeSpent, CodeWrong, LoginExpired } from "../errors.ts";
import type { Address } from "../identifier.ts";
import {
  accountAlone,
  type Counters,
  countersOf,
  countTry,
  findLockState,
  refusalOf,
  stricterOf,
  uncount,
  uncountTry,
} from "../lockout/failures.ts";
import { recordLockout } from "../lockout/record-lockout.ts";
import type { Answered, Browser, LoginParts } from "../parts.ts";
import { findReset } from "../passwords/reset-store.ts";
import { verifyIdentity } from "../people/identity-store.ts";
import type { LoginPerson } from "../people/person-store.ts";
import { sendSecondCode } from "./forgot-password.ts";
import { lockPersonOf, lockWalk, moveWalk } from "./walk-store.ts";

/**
 * Verifies the code of the step that waits for one and says what comes next. Tries are counted before anything is compared, in the same
 * transaction, so that parallel guesses get five comparisons in all. An approval does not replace the code to the person's other address if
 * that one works: a code goes there next. Throws `code_wrong`, `code_expired`, `code_spent`, `login_locked`, `recovery_required`,
 * `login_expired`, `login_step_wrong`, and commits the counting all the same; also `code_send_limited`, after which the code is still good.
 */
export async function verifyCode(
  parts: LoginParts,
  browser: Browser,
  walkHash: Buffer,
  input: { code: string; step: "code" | "forgot_code" },
): Promise<Answered<LoginNext>> {
  const { db, clock, keys, limits } = parts;
  const now = clock.now();
  const purpose = input.step === "code" ? "login" : "forgot";
  // A refusal is returned, not thrown, out of the transaction: throwing would undo the counting.
  const outcome = await db.transaction<Answered<LoginNext> | DomainError>(systemScope, async (tx) => {
    const walk = await lockWalk(tx, walkHash, [input.step], now);
    const person = await lockPersonOf(tx, walk);
    const counters = input.step === "code" ? countersOf(keys, walk) : accountAlone(walk);
    const tried = await tryCode(parts, tx, {
      browserHash: walkHash,
      purpose,
      counters,
      typed: input.code,
      browser,
    });
    if ("refusal" in tried) return tried.refusal;
    // An address that nobody has was never sent its code; somebody who guesses it gets the answer to any wrong guess.
    if (!person) return tried.asWrong;
    await accept(parts, tx, { browserHash: walkHash, purpose, counters, address: tried.address, person });
    if (input.step === "forgot_code") {
      await moveWalk(tx, walkHash, { step: "set_password", setReason: "forgotten" });
      return answerAlone({ next: "set_password" });
    }
    const reset = await findReset(tx, person.userId);
    const approved =
      reset?.approvedAt && reset.approvedAt.getTime() + limits.approvalLifetimeMs > now.getTime();
    const other = person.identities.find(
      ({ channel, proven, bounced }) => channel !== walk.address.channel && proven && !bounced,
    );
    if (approved && other) {
      const { answer, afterwards } = await sendSecondCode(parts, tx, browser, { walk, other, now });
      return { answer: { next: "code", sent: answer }, afterwards };
    }
    const setReason = approved ? "approved" : person.passwordHash === null ? "first_login" : null;
    const next = setReason === null ? "password" : "set_password";
    await moveWalk(tx, walkHash, { step: next, verifiedAt: now, setReason });
    return answerAlone({ next });
  });
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

function answerAlone(answer: LoginNext): Answered<LoginNext> {
  return { answer, afterwards: () => undefined };
}

/** A right code, with the refusal to give if it does not help after all (`asWrong`); or the refusal. */
export type TriedCode =
  | { readonly address: Address; readonly asWrong: DomainError }
  | { readonly refusal: DomainError };

/**
 * Takes a try of the code and of the counters, then compares. Where tries with other addresses have locked the account, the right code says
 * so and is used up; a wrong one does not say so.
 */
export async function tryCode(
  parts: LoginParts,
  tx: Transaction,
  request: { browserHash: Buffer; purpose: CodePurpose; counters: Counters; typed: string; browser: Browser },
): Promise<TriedCode> {
  const { clock, keys, limits } = parts;
  const now = clock.now();
  const code = readCode(request.typed);
  // What cannot be a code is a typing mistake, not a guess.
  if (code === undefined) return { refusal: new CodeMalformed() };
  const taken = await takeTry(tx, request, now);
  if (taken.kind === "expired") return { refusal: new CodeExpired() };
  if (taken.kind === "spent") return { refusal: new CodeSpent(request.purpose) };
  const { counters } = request;
  const counted = await countTry(tx, counters, now, limits);
  if (!counted.counted) return { refusal: refusalOf(counted.state, now) ?? new LoginExpired() };
  const asWrong = refusalOf(counted.ifWrong, now) ?? new CodeWrong(taken.triesLeft, request.purpose);
  if (isCode(keys, request, taken, code)) {
    if (counted.accountOpen) return { address: taken.address, asWrong };
    await useUp(tx, request, now);
    if (counters.address) await uncount(tx, counters.address);
    const account = await findLockState(tx, counters.account, now, limits);
    return { refusal: refusalOf(account, now) ?? asWrong };
  }
  const state = stricterOf(counted.ifWrong, counted.accountIfWrong);
  if (state.kind !== "open") await recordLockout(parts, tx, counters.account, state, request.browser);
  return { refusal: asWrong };
}

/** Uses the code up, takes the try back, and records that the address is the person's. */
export async function accept(
  { clock }: LoginParts,
  tx: Transaction,
  request: {
    browserHash: Buffer;
    purpose: CodePurpose;
    counters: Counters;
    address: Address;
    person: Pick<LoginPerson, "userId">;
  },
): Promise<void> {
  const now = clock.now();
  await useUp(tx, request, now);
  await uncountTry(tx, request.counters);
  await verifyIdentity(tx, request.person.userId, request.address, now);
}
