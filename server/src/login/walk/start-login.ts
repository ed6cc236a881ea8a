import type { CodeSent } from "@fusion/contract/login.ts";
import { systemScope, type Transaction } from "../../platform/database/database.ts";
import { takeSend } from "../codes/code-sending.ts";
import {
  type CodePurpose,
  codeLength,
  makeCode,
  renderCodeMessage,
  requireTriesLeft,
} from "../codes/one-time-code.ts";
import { type Address, maskAddress, readIdentifier } from "../identifier.ts";
import { countersOf, findLockState, requireOpen, visibleCounterOf } from "../lockout/failures.ts";
import type { Answered, Browser, LoginParts } from "../parts.ts";
import { findPersonByAddress } from "../people/person-store.ts";
import { newBrowserSecret } from "../sessions/browser-secret.ts";
import { findKnownDevice } from "../sessions/device-store.ts";
import { endWalk, insertWalk, lockPersonOf, lockWalk } from "./walk-store.ts";

/**
 * Starts a login: a code goes to the address if it belongs to anyone with access. An address that nobody has gets the same answer after the
 * same statements, and nothing is sent. Ends a walk that the browser had under way. Throws `identifier_invalid`, `login_locked`,
 * `recovery_required`, `code_send_limited`.
 */
export async function startLogin(
  parts: LoginParts,
  browser: Browser,
  input: { identifier: string; previousWalkHash: Buffer | undefined },
): Promise<Answered<CodeSent> & { walkSecret: string }> {
  const { db, clock, keys, random, limits } = parts;
  const address = readIdentifier(input.identifier);
  const { secret, secretHash } = newBrowserSecret(random);
  const now = clock.now();
  const afterwards = await db.transaction(systemScope, async (tx) => {
    const person = await findPersonByAddress(tx, address);
    const userId = person?.userId ?? null;
    const nobody = `nobody/${keys.mac("otp", `subject/${address.channel}/${address.address}`).toString("base64url")}`;
    const subject = userId ?? nobody;
    const deviceId = await findKnownDevice(tx, { userId, deviceHash: browser.deviceHash });
    const counter = visibleCounterOf(countersOf(keys, { subject, deviceId, address }));
    requireOpen(await findLockState(tx, counter, now, limits), now);
    if (input.previousWalkHash) await endWalk(tx, input.previousWalkHash);
    await insertWalk(
      tx,
      { walkHash: secretHash, address, userId, subject, deviceId },
      { now, expiresAt: new Date(now.getTime() + limits.walkLifetimeMs) },
    );
    return sendCode(parts, tx, browser, {
      browserHash: secretHash,
      purpose: "login",
      address,
      deviceId,
      isKnown: person !== undefined,
    });
  });
  return { answer: describeSending(parts, address), afterwards, walkSecret: secret };
}

/**
 * Sends another code for the step that waits for one. The earlier code becomes void; wrong tries stay counted. Throws `login_expired`,
 * `login_step_wrong`, `code_spent`, and what {@link startLogin} throws.
 */
export async function resendCode(
  parts: LoginParts,
  browser: Browser,
  walkHash: Buffer,
): Promise<Answered<CodeSent>> {
  const { db, clock, keys, limits } = parts;
  const now = clock.now();
  return db.transaction(systemScope, async (tx) => {
    const walk = await lockWalk(tx, walkHash, ["code", "forgot_code"], now);
    const purpose = walk.step === "code" ? "login" : "forgot";
    const address = walk.step === "code" ? walk.address : (walk.forgotAddress ?? walk.address);
    const counter = walk.step === "code" ? visibleCounterOf(countersOf(keys, walk)) : walk;
    requireOpen(await findLockState(tx, counter, now, limits), now);
    await requireTriesLeft(tx, { browserHash: walkHash, purpose });
    const person = await lockPersonOf(tx, walk);
    const afterwards = await sendCode(parts, tx, browser, {
      browserHash: walkHash,
      purpose,
      address,
      deviceId: walk.deviceId,
      isKnown: person !== undefined,
    });
    return { answer: describeSending(parts, address), afterwards };
  });
}

/** Counts a send, makes the code, and returns the function that sends it (which does nothing where nobody has the address). */
export async function sendCode(
  parts: LoginParts,
  tx: Transaction,
  browser: Browser,
  request: {
    browserHash: Buffer;
    purpose: CodePurpose;
    address: Address;
    /** The id of a known browser; '' for any other. */
    deviceId: string;
    isKnown: boolean;
  },
): Promise<() => void> {
  const now = parts.clock.now();
  const { address, deviceId, purpose, isKnown } = request;
  await takeSend(tx, parts, { address, deviceId, ip: browser.ip, now, isKnown });
  const code = await makeCode(tx, parts, { ...request, now });
  const message = renderCodeMessage(address, purpose, code);
  return () => {
    if (isKnown) parts.codes.send(message);
  };
}

export function describeSending({ limits }: LoginParts, address: Address): CodeSent {
  return {
    channel: address.channel,
    sentTo: maskAddress(address),
    codeLength: codeLength[address.channel],
    expiresInSeconds: limits.codeLifetimeMs / 1000,
    resendInSeconds: limits.sendPauseMs / 1000,
  };
}
