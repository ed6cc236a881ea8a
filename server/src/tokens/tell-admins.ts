import { revokeReasonWords } from "@fusion/contract/tokens.ts";
import { listAuditEntries } from "../audit/list-entries.ts";
import type { Application } from "../fintechs/application.ts";
import { listFintechAdmins } from "../fintechs/contacts.ts";
import { findApplication } from "../fintechs/find-application.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import type { ApplicationId, Environment, FintechKey, TokenId } from "../platform/ids.ts";
import { localTimeText } from "../platform/local-time.ts";
import { nameInSms, oneLine } from "../platform/messages/name-in-message.ts";
import { queueMessage } from "../platform/messages/outgoing-messages.ts";
import type { Random } from "../platform/random.ts";
import type { TokenEvent } from "./announcement.ts";
import type { TokenRecord } from "./token-record.ts";
import { findToken, findTokensToRevoke } from "./token-store.ts";

/** Tokens that a message names. The others are counted. */
const namedMax = 50;

interface TellDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly publicUrl: string;
}

/**
 * Queues a message to every admin of the fintech that a token was generated or revoked. Each admin has a message of their own, so one who
 * cannot be reached for now does not delay the others, and nobody is told twice. May run twice for one event.
 */
export async function tellAdmins(
  deps: TellDeps,
  { event, tokenId }: { readonly event: TokenEvent; readonly tokenId: TokenId },
): Promise<void> {
  await deps.db.transaction(systemScope, async (tx) => {
    const token = await findToken(tx, tokenId);
    if (!token) return;
    const application = await findApplication(tx, token.applicationId);
    const page = `${deps.publicUrl}/applications/${token.applicationId}/tokens/${tokenId}`;
    await queueNotices(tx, deps, token.tenant, {
      id: `${event}.${tokenId}`,
      subject: (named) => subjectOf(event, token, named),
      page,
      text: textOf(event, token, {
        applicationName: application?.name ?? token.applicationId,
        page,
        places: await placesOf(tx, tokenId),
        timeZone: application?.timeZone ?? "UTC",
      }),
    });
  });
}

/** Like {@link tellAdmins}, of tokens of one fintech that were revoked together. */
export async function tellAdminsOfRevocations(
  deps: TellDeps,
  { tokenIds }: { readonly tokenIds: readonly TokenId[] },
): Promise<void> {
  await deps.db.transaction(systemScope, async (tx) => {
    const revoked = await readRevokedTogether(tx, tokenIds);
    if (!revoked) return;
    const { first, onlyApplication } = revoked;
    const page = onlyApplication
      ? `${deps.publicUrl}/applications/${onlyApplication.applicationId}`
      : `${deps.publicUrl}/token-management`;
    await queueNotices(tx, deps, first.tenant, {
      id: `revoked-together.${first.tokenId}`,
      subject: (named) => subjectOfSeveral(revoked, named),
      page,
      text: textOfSeveral(revoked, page),
    });
  });
}

interface RevokedTogether {
  readonly count: number;
  readonly environments: ReadonlySet<Environment>;
  readonly applications: ReadonlyMap<ApplicationId, Application | undefined>;
  /** Where all are of the same. */
  readonly onlyApplication: Application | undefined;
  /** Who revoked the first, when and why is true of all. */
  readonly first: TokenRecord;
  readonly named: readonly { readonly token: TokenRecord; readonly places: readonly unknown[] }[];
}

async function readRevokedTogether(
  tx: Transaction,
  tokenIds: readonly TokenId[],
): Promise<RevokedTogether | undefined> {
  const all = [...(await findTokensToRevoke(tx, tokenIds)).values()];
  const applications = new Map<ApplicationId, Application | undefined>();
  for (const applicationId of new Set(all.map((token) => token.applicationId)))
    applications.set(applicationId, await findApplication(tx, applicationId));
  const named: { token: TokenRecord; places: readonly unknown[] }[] = [];
  for (const tokenId of tokenIds.slice(0, namedMax)) {
    const token = await findToken(tx, tokenId);
    if (token) named.push({ token, places: await placesOf(tx, tokenId) });
  }
  const [first] = named;
  return (
    first && {
      count: all.length,
      environments: new Set(all.map(({ tenant }) => tenant.environment)),
      applications,
      onlyApplication: applications.size === 1 ? applications.get(first.token.applicationId) : undefined,
      first: first.token,
      named,
    }
  );
}

function subjectOfSeveral(revoked: RevokedTogether, named: (name: string) => string): string {
  const { count, environments, applications, onlyApplication } = revoked;
  const which = environments.size === 1 ? `${[...environments].join()} tokens` : "tokens";
  const whose = onlyApplication ? `"${named(onlyApplication.name)}"` : `${applications.size} applications`;
  return `${count} ${which} of ${whose} were revoked`;
}

function textOfSeveral(revoked: RevokedTogether, page: string): string {
  const { count, applications, onlyApplication, first, named } = revoked;
  const timeZone = applications.get(first.applicationId)?.timeZone ?? "UTC";
  const nameOf = (id: ApplicationId): string => oneLine(applications.get(id)?.name ?? id);
  return [
    `${subjectOfSeveral(revoked, oneLine)}.`,
    "",
    `${first.revokedBy} revoked them on ${localTimeText(first.revokedAt ?? new Date(0), timeZone)}. They are refused everywhere since then.`,
    `Reason: ${reasonWords(first)}.`,
    "",
    ...named.flatMap(({ token, places }) => [
      `- ${oneLine(token.name)}: ${token.tokenId} (${token.hint})${onlyApplication ? "" : `, ${nameOf(token.applicationId)}`}`,
      ...places.map((url) => `  ${foundWords(url)}`),
    ]),
    ...(count > named.length ? [`and ${count - named.length} more`] : []),
    "",
    `${onlyApplication ? "The application's page" : "All applications"}: ${page}`,
    "If you did not expect this, ask who revoked them; a program that still needs a token gets a new one there.",
  ].join("\n");
}

async function queueNotices(
  tx: Transaction,
  deps: TellDeps,
  fintech: FintechKey,
  notice: {
    /** The same for each run of the job, and for no other event. */
    readonly id: string;
    /** The names in it are made safe for where it stands. */
    readonly subject: (safe: (name: string) => string) => string;
    readonly page: string;
    readonly text: string;
  },
): Promise<void> {
  for (const admin of await listFintechAdmins(tx, fintech))
    await queueMessage(tx, deps, {
      channel: admin.channel,
      to: admin.address,
      subject: notice.subject(oneLine),
      text: admin.channel === "sms" ? `${notice.subject(nameInSms)}. ${notice.page}` : notice.text,
      messageId: `${notice.id}.${admin.userId}`,
      smsTemplate: "notice",
    });
}

/** Where the token was found in public; null for a place without an address. */
async function placesOf(tx: Transaction, tokenId: TokenId): Promise<readonly unknown[]> {
  const history = await listAuditEntries(tx, { kind: "token", id: tokenId }, 1_000);
  return history.filter(({ action }) => action === "token.found").map(({ details }) => details.url);
}

function reasonWords({ revokeReason }: TokenRecord): string {
  return revokeReason ? revokeReasonWords[revokeReason] : "none given";
}

function foundWords(url: unknown): string {
  return `It was found in public${typeof url === "string" ? `: ${url}` : "."}`;
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
          `Reason: ${reasonWords(token)}.`,
          ...places.map(foundWords),
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
