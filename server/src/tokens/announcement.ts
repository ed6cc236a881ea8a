import { revokeReasonWords } from "@fusion/contract/tokens.ts";
import { listAuditEntries } from "../audit/list-entries.ts";
import { listFintechAdmins } from "../fintechs/contacts.ts";
import { findApplicationFor } from "../fintechs/find-application.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import { addJob } from "../platform/jobs/jobs.ts";
import type { Log } from "../platform/log.ts";
import { AddressRejected, type Message, type Messenger } from "../platform/messages/message.ts";
import { isTold } from "../platform/outage.ts";
import type { TokenRecord } from "./token-record.ts";
import { findToken } from "./token-store.ts";

/** What the fintech's admins are told about live tokens. */
export type TokenEvent = "issued" | "revoked";

/** The job that tells them; its payload is `{ event, tokenId }`. */
export const announcementTask = "tokens-announce";

/** Plans the notice as part of the transaction: it goes out exactly when what it says has been committed. */
export async function announce(tx: Transaction, event: TokenEvent, tokenId: TokenId): Promise<void> {
  await addJob(
    tx,
    announcementTask,
    { event, tokenId },
    { attemptsMax: 6, key: `tokens-announce/${event}/${tokenId}` },
  );
}

/**
 * Tells every admin of the fintech that a live token was generated or revoked. May run twice for one event; a repeat carries the same
 * Message-ID. Throws when somebody could not be told for now, so that the queue tries again; an address that does not exist is left out.
 */
export async function tellAdmins(
  {
    db,
    messenger,
    publicUrl,
    log,
  }: {
    readonly db: Database;
    readonly messenger: Messenger;
    readonly publicUrl: string;
    readonly log: Log;
  },
  { event, tokenId }: { readonly event: TokenEvent; readonly tokenId: TokenId },
): Promise<void> {
  const letters = await db.transaction(systemScope, async (tx) => {
    const token = await findToken(tx, tokenId);
    if (!token) return [];
    const application = await findApplicationFor(
      tx,
      { kind: "cli", account: "notices" },
      token.applicationId,
    );
    const admins = await listFintechAdmins(tx, token.tenant);
    const history = await listAuditEntries(tx, { kind: "token", id: tokenId }, 1_000);
    const places = history.filter(({ action }) => action === "token.found").map(({ details }) => details.url);
    const subject = subjectOf(event, token);
    const page = `${publicUrl}/applications/${token.applicationId}/tokens/${tokenId}`;
    return admins.map(
      (admin): Message => ({
        channel: admin.channel,
        to: admin.address,
        subject,
        text:
          admin.channel === "sms"
            ? `${subject}. ${page}`
            : textOf(event, token, {
                applicationName: application?.name ?? token.applicationId,
                page,
                places,
              }),
        messageId: `${event}.${tokenId}.${admin.userId}`,
        smsTemplate: "notice",
      }),
    );
  });
  let failure: unknown;
  for (const letter of letters) {
    try {
      await messenger.send(letter);
    } catch (error) {
      log[isTold(error) ? "debug" : "warn"](
        { err: error, tokenId, event },
        "an admin could not be told about a token",
      );
      if (!(error instanceof AddressRejected)) failure = error;
    }
  }
  if (failure) throw failure;
}

function subjectOf(event: TokenEvent, token: TokenRecord): string {
  const which = `${token.tenant.environment === "live" ? "Live" : "Sandbox"} token "${token.name}"`;
  return event === "issued" ? `${which} was generated` : `${which} was revoked`;
}

function textOf(
  event: TokenEvent,
  token: TokenRecord,
  {
    applicationName,
    page,
    places,
  }: { readonly applicationName: string; readonly page: string; readonly places: readonly unknown[] },
): string {
  const facts =
    event === "issued"
      ? [
          `${token.createdBy} generated it on ${words(token.createdAt)}.`,
          `It may do: ${token.scopes.join(", ")}. It expires on ${words(token.expiresAt)}.`,
        ]
      : [
          `${token.revokedBy} revoked it on ${words(token.revokedAt ?? new Date(0))}. It is refused everywhere since then.`,
          `Reason: ${token.revokeReason ? revokeReasonWords[token.revokeReason] : "none given"}.`,
          ...places.map((url) => `It was found in public${typeof url === "string" ? `: ${url}` : "."}`),
        ];
  return [
    `${subjectOf(event, token)}.`,
    "",
    `Application: ${applicationName}`,
    `Token: ${token.tokenId} (${token.hint})`,
    ...facts,
    "",
    `Its page: ${page}`,
    event === "issued"
      ? "If you did not expect this, revoke the token there. Revoking takes effect at once."
      : "If you did not expect this, ask who revoked it; a program that still needs a token gets a new one there.",
  ].join("\n");
}

function words(instant: Date): string {
  return `${instant.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
