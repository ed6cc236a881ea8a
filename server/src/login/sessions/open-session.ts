import type { UserPrincipal } from "../../access/principal.ts";
import { recordAudit } from "../../audit/record.ts";
import type { Transaction } from "../../platform/database/database.ts";
import { newId, type SessionId } from "../../platform/ids.ts";
import { randomBase62 } from "../../platform/random.ts";
import { countersOf, forgetFailures } from "../lockout/failures.ts";
import { newDevice } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import type { Browser, LoginParts } from "../parts.ts";
import type { LoginPerson } from "../people/person-store.ts";
import { endWalk, type Walk } from "../walk/walk-store.ts";
import type { ProvenSession } from "./authenticate.ts";
import { newBrowserSecret } from "./browser-secret.ts";
import { hasKnownDevice, insertDevice, moveDevices, renewDevice, touchDevice } from "./device-store.ts";
import { insertSession, markCookieEnded, renewSession } from "./session-store.ts";

/** A complete login: the browser's new cookies, and who it is. */
export interface OpenedSession {
  readonly sessionSecret: string;
  readonly deviceSecret: string;
  readonly principal: UserPrincipal;
}

/** The new cookies of a browser whose session goes on; without the device's, if the browser had none. */
export interface RenewedCookies {
  readonly sessionSecret: string;
  readonly deviceSecret: string | undefined;
}

/**
 * Ends the walk by opening a session with a new id (so that nobody can have planted it), and makes the browser known under a new device
 * cookie. The last step of logging in, in the transaction of the password.
 */
export async function openSession(
  parts: LoginParts,
  tx: Transaction,
  browser: Browser,
  { walk, person }: { walk: Walk; person: LoginPerson },
): Promise<OpenedSession> {
  const { clock, random, limits } = parts;
  const now = clock.now();
  const session = newBrowserSecret(random);
  const device = newBrowserSecret(random);
  // Both may belong to another person who used this browser before. Sessions come before devices, in the order in which ending a person's
  // access locks them.
  if (browser.sessionHash) await markCookieEnded(tx, browser.sessionHash, now);
  const { deviceId, known } = await rememberDevice(parts, tx, {
    walk,
    person,
    deviceHash: device.secretHash,
    previousHash: browser.deviceHash,
  });
  const sessionId = newId<SessionId>(random, "ses");
  const steppedUpAt = walk.verifiedAt ?? now;
  await insertSession(tx, {
    sessionId,
    secretHash: session.secretHash,
    userId: person.userId,
    deviceId,
    lastSeenAt: now,
    expiresAt: new Date(now.getTime() + limits.sessionLifetimeMs),
    steppedUpAt,
    ip: browser.ip.slice(0, 64),
    userAgent: browser.userAgent,
  });
  await forgetFailures(tx, countersOf(parts.keys, walk));
  await endWalk(tx, walk.walkHash);
  const principal: UserPrincipal = {
    kind: "user",
    userId: person.userId,
    name: person.name,
    role: person.role,
    fintech: person.fintech,
    sessionId,
    steppedUpAt,
  };
  await recordAudit(tx, parts, principal, {
    action: "login.succeeded",
    object: { kind: "session", id: sessionId },
    fintech: person.fintech,
    details: {
      browser: known === "already" ? "known" : "new",
      ip: browser.ip,
      identity: walk.address.channel,
    },
    requestId: browser.requestId,
  });
  if (known === "besides others") await tell(tx, parts, person.identities, newDevice(now, browser.ip));
  return { sessionSecret: session.secret, deviceSecret: device.secret, principal };
}

/**
 * Gives the browser new cookies, and its session another id. The session goes on and the browser stays known, but copies of its earlier
 * cookies no longer work, including a device cookie that this browser has lost, and no request that they proved can commit any more. The
 * person's other browsers must have been forgotten before.
 */
export async function renewCookies(
  { random }: Pick<LoginParts, "random">,
  tx: Transaction,
  browser: Browser,
  { principal, deviceId }: Pick<ProvenSession, "principal" | "deviceId">,
): Promise<RenewedCookies> {
  const session = newBrowserSecret(random);
  const device = newBrowserSecret(random);
  await renewSession(tx, principal.sessionId, {
    sessionId: newId<SessionId>(random, "ses"),
    secretHash: session.secretHash,
  });
  await renewDevice(
    tx,
    { userId: principal.userId, deviceId },
    { from: browser.deviceHash, to: device.secretHash },
  );
  return {
    sessionSecret: session.secret,
    deviceSecret: browser.deviceHash ? device.secret : undefined,
  };
}

/**
 * Gives the browser a new device cookie at every login, so that none can have been planted. It stays known to other people who use it:
 * their rows move to the new cookie.
 */
async function rememberDevice(
  { clock, random }: LoginParts,
  tx: Transaction,
  request: { walk: Walk; person: LoginPerson; deviceHash: Buffer; previousHash: Buffer | undefined },
): Promise<{ deviceId: string; known: "already" | "besides others" | "as the first" }> {
  const { walk, deviceHash, previousHash } = request;
  const { userId } = request.person;
  const now = clock.now();
  if (previousHash) await moveDevices(tx, { from: previousHash, to: deviceHash });
  // The walk alone is not trusted: since it began, a new password may have made the browser unknown.
  if (await touchDevice(tx, { userId, deviceId: walk.deviceId, now }))
    return { deviceId: walk.deviceId, known: "already" };
  const knowsOthers = await hasKnownDevice(tx, userId);
  const deviceId = `dev_${randomBase62(random, 20)}`;
  await insertDevice(tx, { userId, deviceId, deviceHash, now });
  return { deviceId, known: knowsOthers ? "besides others" : "as the first" };
}
