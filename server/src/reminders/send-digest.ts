import { createHash } from "node:crypto";
import { recordAudit } from "../audit/record.ts";
import { allEnded } from "../platform/all-ended.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import { readDatabaseTime } from "../platform/database/database-time.ts";
import { isConnectionFailure } from "../platform/http/problem.ts";
import type { Keys } from "../platform/keys.ts";
import type { Log } from "../platform/log.ts";
import { AddressRejected, DeliveryFailed, type Messenger } from "../platform/messages/message.ts";
import { isTold } from "../platform/outage.ts";
import type { Random } from "../platform/random.ts";
import {
  type ClaimedDigest,
  cancelStaleNotices,
  claimDigest,
  type DigestKey,
  findRecipient,
  type HeldNotices,
  isTest,
  listOpenNotices,
  recordCancelled,
  recordFailed,
  recordSent,
  rejectAddress,
} from "./digest-store.ts";
import { fintechDay } from "./fintech-day.ts";
import { lockDigests, type Planned, planNotices } from "./plan-store.ts";
import { getReminderSettings } from "./reminder-store.ts";
import { type DigestText, renderDigest } from "./templates.ts";
import { markedAsTest } from "./test-text.ts";
import { unsubscribeUrl } from "./unsubscribe-link.ts";

export interface SendDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly messenger: Messenger;
  readonly keys: Pick<Keys, "seal">;
  readonly log: Log;
  /** An origin without a trailing slash, for the links. */
  readonly publicUrl: string;
}

export interface SendResult {
  readonly sent: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** How long a claim lasts. Longer than any provider's timeout, so that a digest is claimed again only after a crash. */
const leaseMs = 10 * 60_000;
const retryFirstMs = 5 * 60_000;
const retryMaxMs = 60 * 60_000;
/** Providers answer in about 0.1 s; four senders at once on each channel keep a large morning short without crowding them. */
const sendersAtOnce = 4;
/** After this many failures in a row, the rest of a channel waits for the next run: a server that hangs costs each attempt 20 s. */
const failuresInARowMax = 2 * sendersAtOnce;
/** Shorter than the pause between two sweeps; the next one continues with what is left. */
const runMaxMs = 10 * 60_000;

/** The outcome of a message. `rejected` is about the address, and so no failure of the provider. */
type Outcome = "sent" | "failed" | "rejected" | "cancelled";

/**
 * Sends every digest that is due, each at least once unless its reason has gone. Counts digests. After ten minutes, the rest is left for a
 * later run. A channel also leaves its rest when its provider accepts no message; that does not hold up the other channel.
 */
export async function sendDueDigests(deps: SendDeps): Promise<SendResult> {
  const run: Run = {
    until: deps.clock.now().getTime() + runMaxMs,
    counts: { sent: 0, failed: 0, rejected: 0, cancelled: 0 },
    failuresInARow: { sms: 0, email: 0 },
    fallbacks: 0,
    isBrokenOff: false,
  };
  const { counts } = run;
  let fallbacks: number;
  do {
    fallbacks = run.fallbacks;
    await allEnded([sendChannel(deps, run, "sms"), sendChannel(deps, run, "email")]);
    // Repeated after a fallback: a person who stands in for a lost recipient may be written to on a channel whose senders had already
    // finished. Or the senders skipped the digest because planning had locked it and then found nothing more.
  } while (run.fallbacks > fallbacks);
  return { sent: counts.sent, failed: counts.failed + counts.rejected, cancelled: counts.cancelled };
}

interface Run {
  readonly until: number;
  readonly counts: Record<Outcome, number>;
  readonly failuresInARow: Record<DigestKey["channel"], number>;
  /** How often a day was planned again. */
  fallbacks: number;
  /** A sender failed: the others end after the digest they are sending. */
  isBrokenOff: boolean;
}

async function sendChannel(deps: SendDeps, run: Run, channel: DigestKey["channel"]): Promise<void> {
  const sender = async (): Promise<void> => {
    while (!run.isBrokenOff) {
      if (deps.clock.now().getTime() >= run.until || run.failuresInARow[channel] >= failuresInARowMax) return;
      const digest = await claimDigest(deps.db, { channel, leaseMs });
      if (!digest) return;
      const outcome = await deliverOrReport(deps, run, digest);
      run.counts[outcome] += 1;
      if (outcome === "failed") run.failuresInARow[channel] += 1;
      else if (outcome !== "cancelled") run.failuresInARow[channel] = 0;
    }
  };
  const sendUntilOneFails = (): Promise<void> =>
    sender().catch((error: unknown) => {
      run.isBrokenOff = true;
      throw error;
    });
  await allEnded(Array.from({ length: sendersAtOnce }, sendUntilOneFails));
}

/** A digest that cannot be handled must not hold up the others; its claim runs out and it is tried again. */
async function deliverOrReport(deps: SendDeps, run: Run, digest: ClaimedDigest): Promise<Outcome> {
  try {
    return await deliver(deps, run, digest);
  } catch (error) {
    if (isConnectionFailure(error)) throw error;
    deps.log.error({ err: error, userId: digest.userId }, "a reminder digest could not be handled");
    return "failed";
  }
}

/**
 * After the claim, reads the digest's tokens again, so that nothing is sent whose check began after a renewal, revocation or opt-out; then
 * renders, sends and records. A crash anywhere leaves the claim to run out, and the repeat carries the same Message-ID.
 */
async function deliver(deps: SendDeps, run: Run, digest: ClaimedDigest): Promise<Outcome> {
  const { db, clock } = deps;
  const current = await db.transaction(systemScope, async (tx) => {
    const now = await readDatabaseTime(tx);
    const { recipientLost } = await cancelStaleNotices(tx, digest);
    if (recipientLost) await planFallback(deps, run, tx, digest, now);
    const notices = await listOpenNotices(tx, digest, now);
    if (notices.length === 0) {
      await recordCancelled(tx, digest, "There was nothing left to say.");
      return undefined;
    }
    const recipient = await findRecipient(tx, digest);
    if (!recipient) {
      await planFallback(deps, run, tx, digest, now);
      await recordCancelled(tx, digest, "The recipient cannot be reached here any more.");
      return undefined;
    }
    // It is written to, but nobody counts as reached there.
    if (recipient.isDoubtful) await planFallback(deps, run, tx, digest, now);
    return { now, notices, recipient, fintech: await getReminderSettings(tx, digest) };
  });
  if (!current) return "cancelled";
  const { now, notices, recipient, fintech } = current;
  const digestText = renderDigest({
    channel: digest.channel,
    recipientName: recipient.name,
    fintechName: fintech.name,
    timeZone: fintech.timeZone,
    publicUrl: deps.publicUrl,
    now,
    notices,
    unsubscribeUrl: unsubscribeUrl(deps.keys, deps.publicUrl, digest.userId),
  });
  const rendered = isTest(digest) ? markedAsTest(digestText) : digestText;
  let answer: string;
  try {
    answer = await send(deps.messenger, digest, recipient.address, rendered);
  } catch (error) {
    await db.transaction(systemScope, (tx) =>
      recordProblem(deps, run, tx, digest, { error, address: recipient.address, notices }),
    );
    return error instanceof AddressRejected ? "rejected" : "failed";
  }
  await db.transaction(systemScope, (tx) =>
    recordSent(tx, digest, {
      at: clock.now(),
      to: recipient.address,
      answer: answer.slice(0, 500),
      notices,
    }),
  );
  return "sent";
}

function send(messenger: Messenger, digest: DigestKey, to: string, text: DigestText): Promise<string> {
  return messenger.send({
    channel: digest.channel,
    to,
    subject: text.subject,
    text: text.text,
    messageId: digestMessageId(digest),
    ...(text.html === undefined ? {} : { html: text.html }),
    ...(digest.channel === "sms"
      ? { smsTemplate: text.smsTemplate }
      : { headers: { "Auto-Submitted": "auto-generated", ...text.headers } }),
  });
}

/** Made of the digest's key alone, so that mail programs recognise a repeat of the same digest. */
function digestMessageId({ ifiId, fintechId, userId, channel, localDay, sequence }: DigestKey): string {
  const key = createHash("sha256")
    .update([ifiId, fintechId, userId, channel, localDay, ...(sequence === 1 ? [] : [sequence])].join("/"))
    .digest("hex");
  return `reminder-${key.slice(0, 32)}`;
}

async function recordProblem(
  deps: SendDeps,
  run: Run,
  tx: Transaction,
  digest: ClaimedDigest,
  { error, address, notices }: { error: unknown; address: string; notices: HeldNotices },
): Promise<void> {
  const now = await readDatabaseTime(tx);
  if (error instanceof AddressRejected) {
    // The lock comes first, since the person's two addresses may bounce at once: whoever gets it later sees in its next statements what the
    // other recorded, and plans for both. All in this transaction, since nobody would plan for a digest that is known to have failed.
    if (!isTest(digest)) await lockDigests(tx, digest);
    await recordFailed(tx, digest, {
      error: "The provider says that this address does not exist.",
      retryAt: null,
      bouncedAt: now,
      notices,
    });
    if (isTest(digest)) return;
    if (await rejectAddress(tx, { ...digest, address }, now))
      await recordAudit(
        tx,
        deps,
        { kind: "system" },
        {
          action: "identity.bounced",
          object: { kind: "user", id: digest.userId },
          fintech: { ifiId: digest.ifiId, fintechId: digest.fintechId },
          details: { channel: digest.channel },
        },
      );
    return planFallback(deps, run, tx, digest, now);
  }
  deps.log[isTold(error) ? "debug" : "warn"](
    { err: error, channel: digest.channel, userId: digest.userId, attempt: digest.attempts },
    "a reminder could not be sent",
  );
  const pauseMs = Math.min(retryFirstMs * 2 ** (digest.attempts - 1), retryMaxMs);
  const retryAt = new Date(now.getTime() + pauseMs);
  await recordFailed(tx, digest, {
    error: error instanceof DeliveryFailed ? error.message.slice(0, 300) : "It could not be handed over.",
    retryAt: !isTest(digest) && retryAt < digest.sendUntil ? retryAt : null,
    bouncedAt: null,
    notices,
  });
}

/**
 * Plans the digest's day again: other people who are to hear of a token whose recipient was just lost get a row. Does nothing for a test.
 */
async function planFallback(
  { log }: Pick<SendDeps, "log">,
  run: Run,
  tx: Transaction,
  digest: DigestKey,
  now: Date,
): Promise<void> {
  if (isTest(digest)) return;
  const settings = await getReminderSettings(tx, digest);
  const day = fintechDay({ ...settings, ...digest }, digest.localDay, now);
  if (!day) return;
  await lockDigests(tx, day);
  run.fallbacks += 1;
  tellUnheard(log, await planNotices(tx, [day]));
}

/** An alarm for the operator. */
export function tellUnheard(log: Log, { unheard }: Planned): void {
  if (unheard.length > 0)
    log.error(
      { tokenIds: unheard },
      "tokens near their end that nobody hears about: no subscriber and no admin can be reached",
    );
}
