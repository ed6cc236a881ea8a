import type { Person } from "@fusion/contract/login.ts";
import { type Command, Option } from "commander";
import { getFintech } from "../fintechs/find-fintech.ts";
import { listedPeopleMax, listPeople } from "../login/people/people.ts";
import { systemScope } from "../platform/database/database.ts";
import { type CommandContext, examples, type Run } from "./command-context.ts";
import { table } from "./output.ts";

/** Who has access, and to what. */
export function addPeopleList(user: Command, run: Run): void {
  examples(
    user
      .command("list")
      .description(
        "list people with their addresses, their last look and what they may see; ended access included",
      )
      .addOption(
        new Option("--fintech <id>", "of this fintech only: its id or its client id").conflicts("fusionTeam"),
      )
      .option("--fusion-team", "the Fusion team only"),
    ["user list --fintech acme-pay", "user list --fusion-team --json"],
  ).action((options: { fintech?: string; fusionTeam?: true }) =>
    run(async (context) => {
      const people = await peopleOf(context, options);
      context.output.result(
        { people },
        people.length === 0
          ? ["There are no such people."]
          : table(
              ["USER", "NAME", "ROLE", "FINTECH", "LOGS IN WITH", "PASSWORD", "LAST SEEN", "ACCESS"],
              people.map((person) => [
                person.userId,
                person.name,
                person.role,
                person.fintechName ?? "Fusion team",
                addressesOf(person),
                person.passwordSet ? "set" : "not set",
                lastSeen(person),
                accessInWords(person),
              ]),
            ),
      );
    }),
  );
}

/** People who asked for a new password and wait for approval. */
export function addResetList(reset: Command, run: Run): void {
  examples(
    reset
      .command("list")
      .description("list the people who wait for approval, the latest first")
      .option("--fintech <id>", "of this fintech only: its id or its client id"),
    ["password-reset list", "password-reset list --fintech acme-pay --json"],
  ).action((options: { fintech?: string }) =>
    run(async (context) => {
      const waiting = (await peopleOf(context, options)).filter((person) => person.resetRequestedAt !== null);
      context.output.result(
        {
          passwordResets: waiting.map(
            ({ userId, name, role, fintechName, identities, resetRequestedAt, resetReason }) => ({
              userId,
              name,
              role,
              fintechName,
              identities,
              requestedAt: resetRequestedAt,
              reason: resetReason,
            }),
          ),
        },
        waiting.length === 0
          ? ["Nobody waits for a new password."]
          : table(
              ["USER", "NAME", "ROLE", "FINTECH", "LOGS IN WITH", "WHY", "ASKED"],
              waiting.map((person) => [
                person.userId,
                person.name,
                person.role,
                person.fintechName ?? "Fusion team",
                addressesOf(person),
                person.resetReason === "too_many_failures" ? "too many wrong tries" : "forgotten",
                minute(person.resetRequestedAt ?? ""),
              ]),
            ),
      );
    }),
  );
}

async function peopleOf(
  { db, principal, output }: CommandContext,
  { fintech, fusionTeam }: { fintech?: string; fusionTeam?: true },
): Promise<Person[]> {
  const of =
    fintech === undefined
      ? fusionTeam && ("fusion-team" as const)
      : (await db.transaction(systemScope, (tx) => getFintech(tx, fintech))).fintechId;
  const { people } = await listPeople({ db }, principal, { of });
  if (people.length >= listedPeopleMax)
    output.note(`Only ${listedPeopleMax} people are listed. Name a fintech for all of its own.`);
  return people;
}

function addressesOf({ identities }: Person): string {
  return (
    identities.map(({ address, bouncedAt }) => `${address}${bouncedAt ? " (bounced)" : ""}`).join(", ") ||
    "(nothing)"
  );
}

function lastSeen({ lastSeenAt, passwordSet }: Person): string {
  if (lastSeenAt !== null) return minute(lastSeenAt);
  // Sessions are kept for 30 days after their end.
  return passwordSet ? "over 30 days ago" : "never";
}

function accessInWords({ role, disabledAt, access }: Person): string {
  if (disabledAt !== null) return `ended ${minute(disabledAt)}`;
  if (role.startsWith("operator_")) return "all fintechs";
  if (role === "fintech_admin") return "all applications";
  return (
    access
      .map(({ applicationId, environment, level }) => `${level} ${applicationId} (${environment})`)
      .join(", ") || "no application"
  );
}

/** `2027-11-23 05:30Z`. */
function minute(instant: string): string {
  return `${instant.slice(0, 16).replace("T", " ")}Z`;
}
