import {
  type RevokeReason,
  RevokeReason as RevokeReasons,
  TokenFilter,
  type TokenStatus,
} from "@fusion/contract/tokens.ts";
import { type Command, InvalidArgumentError, Option } from "commander";
import { listApplicationsFor } from "../fintechs/find-application.ts";
import { getFintech } from "../fintechs/find-fintech.ts";
import { systemScope } from "../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { type PreviewedDigest, previewReminders } from "../reminders/preview-reminders.ts";
import { listTokens } from "../tokens/lists/list-tokens.ts";
import { type Revocation, revokeAllTokens, revokeTokens } from "../tokens/revocation/revoke-token.ts";
import { tokenStatus } from "../tokens/token.ts";
import type { TokenRecord } from "../tokens/token-record.ts";
import {
  type AddCommands,
  applicationId,
  asking,
  type CommandContext,
  collect,
  examples,
  tokenId,
} from "./command-context.ts";
import { facts, table } from "./output.ts";

const pageSize = 200;

/** Tokens (never their secrets, which nobody has) and their reminders. */
export const addTokenCommands: AddCommands = (program, run) => {
  const tokens = program.command("tokens").description("Tokens: what is known of them, and their end");
  examples(
    tokens
      .command("list")
      .description("list tokens, latest first within each application")
      .option("--application <id>", "of this application only", applicationId)
      .option("--fintech <id>", "of this fintech only: its id or its client id")
      .addOption(new Option("--status <status>", "which ones").choices(TokenFilter.options).default("all"))
      .option("--find <text>", "with this in the name, at the beginning of the id or at the end of the hint"),
    [
      "tokens list",
      "tokens list --fintech acme-pay --status expiring",
      "tokens list --application app_4fTz… --json",
      "tokens list --find payroll",
    ],
  ).action(({ status: filter, find, ...options }: ListOptions) =>
    run(async (context) => {
      const listed: ListedToken[] = [];
      for (const id of await chosenApplications(context, options))
        for await (const token of tokensOf(context, id, { filter, find })) listed.push(token);
      context.output.result(
        { tokens: listed.map(({ tenant, ...token }) => ({ ...token, ...tenant })) },
        listed.length === 0
          ? ["There are no such tokens."]
          : table(
              ["TOKEN", "STATUS", "ENVIRONMENT", "EXPIRES", "LAST USED", "HINT", "NAME"],
              listed.map((token) => [
                token.tokenId,
                token.status,
                token.tenant.environment,
                minute(token.expiresAt),
                token.lastUsedAt ? minute(token.lastUsedAt) : "never",
                token.hint,
                token.name,
              ]),
            ),
      );
    }),
  );
  examples(
    tokens
      .command("revoke")
      .description("end a token, for good and at once; or several, all or none of them, with one wait")
      .argument("<token-id...>", "the token, or several", (id: string, earlier?: readonly string[]) =>
        collect(tokenId(id), earlier),
      )
      .addOption(
        new Option("--reason <reason>", "why; the fintech can read it")
          .choices(RevokeReasons.options)
          .makeOptionMandatory(),
      ),
    [
      "tokens revoke tok_4fTz… --reason compromised",
      "tokens revoke tok_4fTz… tok_9kQa… tok_1bXe… --reason compromised --json",
    ],
  ).action((ids: string[], options: { reason: RevokeReason }) =>
    run(async ({ output, principal, ...deps }) => {
      const revoked = await revokeTokens(deps, principal, {
        tokenIds: ids as TokenId[],
        reason: options.reason,
      });
      const [only, ...others] = revoked;
      if (!only || others.length > 0) {
        output.result({ tokens: revoked }, revoked.map(sentence));
        return;
      }
      output.result(only, [
        `Token ${only.tokenId} (${only.hint}) revoked. Refused everywhere since ${only.effectiveAt.toISOString()}.`,
        ...facts([
          ["reason", only.reason],
          ["by", only.by],
          ["receipt", only.receiptId],
          ["confirmed by", `${only.nodes.confirmed} of ${only.nodes.total} processes`],
        ]),
      ]);
    }),
  );

  examples(
    asking(tokens.command("revoke-all"))
      .description("end every active token of an application, or of a whole fintech, with one wait")
      .addOption(new Option("--application <id>", "the application").argParser(applicationId))
      .addOption(new Option("--fintech <id>", "the fintech: its id (a UUID) or its client id"))
      .addOption(
        new Option("--reason <reason>", "why; the fintech can read it")
          .choices(RevokeReasons.options)
          .makeOptionMandatory(),
      ),
    [
      "tokens revoke-all --application app_4fTz… --reason compromised",
      "tokens revoke-all --fintech client-pagaar --reason compromised --json",
    ],
  ).action((options: { application?: string; fintech?: string; reason: RevokeReason }, command: Command) => {
    if ((options.application === undefined) === (options.fintech === undefined))
      command.error("error: name either --application or --fintech");
    return run(async (context) => {
      const { output, principal, ...deps } = context;
      const fintech =
        options.fintech === undefined
          ? undefined
          : await deps.db.transaction(systemScope, (tx) => getFintech(tx, options.fintech ?? ""));
      const of = fintech ?? { applicationId: options.application as ApplicationId };
      await context.confirm(
        `This ends ${await countActive(context, options)} of ${fintech ? `${fintech.name}, in all its applications` : options.application}, for good and at once.`,
      );
      const revoked = await revokeAllTokens(deps, principal, { of, reason: options.reason });
      output.result(
        { tokens: revoked },
        revoked.length === 0 ? ["No token was active, so none was revoked."] : revoked.map(sentence),
      );
    });
  });

  const reminders = program.command("reminders").description("Expiry reminders");
  examples(
    reminders
      .command("preview")
      .description("show which messages go out on the local day of an instant; sends nothing")
      .requiredOption(
        "--at <instant>",
        "an instant such as 2026-12-01T03:30:00Z or 2026-12-01T09:00:00+05:30",
        instant,
      ),
    [
      "reminders preview --at 2026-12-01T09:00:00+05:30",
      "reminders preview --at 2026-12-01T03:30:00Z --json",
    ],
  ).action((options: { at: Date }) =>
    run(async ({ output, db, publicUrl }) => {
      const preview = await previewReminders({ db, publicUrl }, options.at);
      const lines =
        preview.due.length === 0
          ? [`At ${options.at.toISOString()} nothing goes out.`]
          : [
              `By ${options.at.toISOString()} ${count(preview.due.length)} of that local day would have gone out:`,
              ...preview.due.flatMap(describeDigest),
            ];
      if (preview.laterThatDay.length > 0)
        lines.push(
          "",
          `${count(preview.laterThatDay.length)} would go out later on that local day:`,
          ...preview.laterThatDay.flatMap(describeDigest),
        );
      output.result(preview, lines);
    }),
  );
};

/** One of several revocations. */
function sentence({ tokenId, hint, effectiveAt, receiptId }: Revocation): string {
  return `Token ${tokenId} (${hint}) revoked. Refused everywhere since ${effectiveAt.toISOString()}. Receipt ${receiptId}.`;
}

async function chosenApplications(
  { db, principal }: CommandContext,
  { application, fintech }: { application?: ApplicationId; fintech?: string },
): Promise<readonly ApplicationId[]> {
  if (application !== undefined) return [application];
  return db.transaction(systemScope, async (tx) => {
    const only = fintech === undefined ? undefined : await getFintech(tx, fintech);
    const all = await listApplicationsFor(tx, principal);
    return all
      .filter((each) => only === undefined || each.tenant.fintechId === only.fintechId)
      .map((each) => each.applicationId);
  });
}

async function countActive(
  context: CommandContext,
  of: { application?: string; fintech?: string },
): Promise<string> {
  let active = 0;
  for (const id of await chosenApplications(context, of as { application?: ApplicationId; fintech?: string }))
    for await (const _token of tokensOf(context, id, { filter: "active" })) active += 1;
  return active === 1 ? "1 active token" : `${active} active tokens`;
}

interface ListOptions {
  readonly application?: ApplicationId;
  readonly fintech?: string;
  readonly status: TokenFilter;
  readonly find?: string;
}

type ListedToken = TokenRecord & { readonly status: TokenStatus };

async function* tokensOf(
  { db, principal }: CommandContext,
  application: ApplicationId,
  which: { readonly filter: TokenFilter; readonly find?: string | undefined },
): AsyncGenerator<ListedToken> {
  let after: TokenId | null = null;
  do {
    const page: Awaited<ReturnType<typeof listTokens>> = await listTokens({ db }, principal, {
      applicationId: application,
      ...which,
      after,
      limit: pageSize,
    });
    for (const token of page.tokens) yield { ...token, status: tokenStatus(token, page.asOf) };
    after = page.nextCursor;
  } while (after !== null);
}

function describeDigest(digest: PreviewedDigest): string[] {
  return [
    "",
    ...facts([
      ["to", `${digest.recipient}, ${digest.channel} ${digest.to} (${digest.fintechName})`],
      ["at", digest.goesOutAt.toISOString()],
      ["subject", digest.subject],
      ["tokens", digest.notices.map((notice) => notice.tokenId).join(", ")],
    ]),
  ];
}

function count(messages: number): string {
  return messages === 1 ? "1 message" : `${messages} messages`;
}

/**
 * An RFC 3339 instant with its offset: without one it would depend on the machine's zone. A day that its month does not have is refused:
 * Date would take 30 February for 2 March, and the preview would be of another day than was asked for.
 */
function instant(text: string): Date {
  const [, day] =
    /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/i.exec(text) ?? [];
  const at = new Date(text);
  const midnight = new Date(`${day}T00:00:00Z`);
  if (
    Number.isNaN(at.getTime()) ||
    Number.isNaN(midnight.getTime()) ||
    !midnight.toISOString().startsWith(`${day}`)
  )
    throw new InvalidArgumentError(
      "It must be an instant with its offset, such as 2026-12-01T03:30:00Z or 2026-12-01T09:00:00+05:30.",
    );
  if (at.getUTCFullYear() >= 9999) throw new InvalidArgumentError("It must be before the year 9999.");
  return at;
}

/** `2027-11-23 05:30Z`. */
function minute(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace("T", " ")}Z`;
}
