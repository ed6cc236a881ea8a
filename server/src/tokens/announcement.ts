import { revokeReasonWords } from "@fusion/contract/tokens.ts";
import { listAuditEntries } from "../audit/list-entries.ts";
import { listFintechAdmins } from "../fintechs/contacts.ts";
import { findApplication } from "../fintechs/find-application.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import { addJob } from "../platform/jobs/jobs.ts";
import { localTimeText } from "../platform/local-time.ts";
import { nameInSms, oneLine } from "../platform/messages/name-in-message.ts";
import { queueMessage } from "../platform/messages/outgoing-messages.ts";
import type { Random } from "../platform/random.ts";
import type { TokenRecord } from "./token-record.ts";
import { findToken } from "./token-store.ts";

/** What the fintech's admins are told about live tokens, and about any token that was found in public. */
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
 * Queues a message to every admin of the fintech that a token was generated or revoked. Each admin has a message of their own, so one who
 * cannot be reached for now does not delay the others, and nobody is told twice. May run twice for one event.
 */
export async function tellAdmins(
  {
    db,
    clock,
    random,
    publicUrl,
  }: {
    readonly db: Database;
    readonly clock: Clock;
    readonly random: Random;
    readonly publicUrl: string;
  },
  { event, tokenId }: { readonly event: TokenEvent; readonly tokenId: TokenId },
): Promise<void> {
  await db.transaction(systemScope, async (tx) => {
    const token = await findToken(tx, tokenId);
    if (!token) return;
    const application = await findApplication(tx, token.applicationId);
    const history = await listAuditEntries(tx, { kind: "token", id: tokenId }, 1_000);
    const places = history.filter(({ action }) => action === "token.found").map(({ details }) => details.url);
    const subject = subjectOf(event, token, oneLine);
    const page = `${publicUrl}/applications/${token.applicationId}/tokens/${tokenId}`;
    const applicationName = application?.name ?? token.applicationId;
    const timeZone = application?.timeZone ?? "UTC";
    for (const admin of await listFintechAdmins(tx, token.tenant))
      await queueMessage(
        tx,
        { clock, random },
        {
          channel: admin.channel,
          to: admin.address,
          subject,
          text:
            admin.channel === "sms"
              ? `${subjectOf(event, token, nameInSms)}. ${page}`
              : textOf(event, token, { applicationName, page, places, timeZone }),
          messageId: `${event}.${tokenId}.${admin.userId}`,
          smsTemplate: "notice",
        },
      );
  });
}

function subjectOf(event: TokenEvent, token: TokenRecord, named: (name: string) => string): string {
  const which = `${token.tenant.environment === "live" ? "Live" : "Sandbox"} token "${named(token.name)}"`;
  return event === "issued" ? `${which} was generated` : `${which} was revoked`;
}

function textOf(
  event: TokenEvent,
  token: TokenRecord,
  {
    applicationName,
    page,
    places,
    timeZone,
  }: {
    readonly applicationName: string;
    readonly page: string;
    readonly places: readonly unknown[];
    readonly timeZone: string;
  },
): string {
  const words = (instant: Date): string => localTimeText(instant, timeZone);
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
    `${subjectOf(event, token, oneLine)}.`,
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
