import type { Command } from "commander";
import type { z } from "zod";
import { listApplicationsFor } from "../fintechs/find-application.ts";
import { type FintechRecord, getFintech, listFintechs } from "../fintechs/find-fintech.ts";
import { type ChangedFintech, setFintech } from "../fintechs/set-fintech.ts";
import { systemScope } from "../platform/database/database.ts";
import { type NextReminderDay, nextReminderDay } from "../reminders/next-reminder-day.ts";
import { countTokensOf } from "../tokens/lists/token-summary.ts";
import { examples, type Run, wholeNumber } from "./command-context.ts";
import { facts, table } from "./output.ts";

/** What is known of fintechs, and what of it can be changed. */
export function addFintechCommands(fintech: Command, run: Run): void {
  examples(
    fintech
      .command("list")
      .description(
        "list fintechs with their bank, applications and active tokens; --json tells their settings, too",
      ),
    ["fintech list", "fintech list --json"],
  ).action(() =>
    run(async ({ output, principal, db }) => {
      const fintechs = await db.transaction(systemScope, async (tx) => {
        const applications = await listApplicationsFor(tx, principal);
        const tokens = await countTokensOf(
          tx,
          applications.map(({ applicationId }) => applicationId),
        );
        return (await listFintechs(tx)).map((each) => {
          const own = applications.filter(({ tenant }) => tenant.fintechId === each.fintechId);
          const countIn = (environment: "sandbox" | "live"): number =>
            own.filter(({ tenant }) => tenant.environment === environment).length;
          return {
            ...settingFacts(each),
            suspended: each.suspendedAt !== null,
            applications: { sandbox: countIn("sandbox"), live: countIn("live") },
            activeTokens: own.reduce(
              (sum, { applicationId }) => sum + (tokens.get(applicationId)?.active ?? 0),
              0,
            ),
          };
        });
      });
      output.result(
        { fintechs },
        fintechs.length === 0
          ? ["There are no fintechs."]
          : table(
              ["CLIENT ID", "NAME", "BANK", "SANDBOX", "LIVE", "ACTIVE TOKENS", "STATUS"],
              fintechs.map((each) => [
                each.clientId,
                each.name,
                `${each.ifiName} (${each.ifiId})`,
                inNumber(each.applications.sandbox, "application"),
                inNumber(each.applications.live, "application"),
                String(each.activeTokens),
                each.suspended ? "suspended" : "at work",
              ]),
            ),
      );
    }),
  );

  examples(
    fintech
      .command("set")
      .description(
        "change what a fintech was registered with; its bank and client id are for ever, active tokens stay as they are",
      )
      .argument("<id>", "the fintech: its id or its client id")
      .option("--name <name>", "its name")
      .option(
        "--time-zone <zone>",
        "IANA name of its zone; reminders of today that are planned already keep their time",
      )
      .option("--reminder-time <hh:mm>", "local time at which expiry reminders go out, until 23:30")
      .option("--tokens-max <number>", "active tokens of one application", wholeNumber)
      .option("--lifetime-days-max <number>", "longest life of a new token", wholeNumber),
    [
      'fintech set acme-pay --name "Acme Payments"',
      "fintech set acme-pay --time-zone Europe/Berlin --reminder-time 08:30",
    ],
  ).action((id: string, settings: z.input<typeof ChangedFintech> & { json?: true }) =>
    run(async ({ output, principal, ...deps }) => {
      const { json: _json, ...wanted } = settings;
      const { fintechId } = await deps.db.transaction(systemScope, (tx) => getFintech(tx, id));
      const set = await setFintech(deps, principal, { fintechId, settings: wanted });
      const next = await deps.db.transaction(systemScope, (tx) => nextReminderDay(tx, set, deps.clock.now()));
      output.result({ ...settingFacts(set), nextReminders: { localDay: next.localDay, at: next.at } }, [
        `The settings of ${set.name}:`,
        ...facts([
          ["time zone", set.timeZone],
          ["reminders", `at ${set.reminderTime}`],
          ["active tokens", `at most ${set.tokensMax} of an application`],
          ["lifetime", `at most ${set.lifetimeDaysMax} days`],
        ]),
        remindersInWords(next, set, deps.clock.now()),
      ]);
    }),
  );
}

function settingFacts({ suspendedAt: _suspendedAt, ...known }: FintechRecord) {
  return known;
}

/** How a change of zone or time has affected the reminders of the day. */
function remindersInWords(
  next: NextReminderDay,
  { timeZone, reminderTime }: FintechRecord,
  now: Date,
): string {
  const when =
    next.at <= now
      ? `within a quarter of an hour, as ${next.localDay} ${reminderTime} ${timeZone} is over`
      : `on ${next.localDay} at ${reminderTime} ${timeZone} (${next.at.toISOString().slice(0, 16)}Z)`;
  return next.todayIsPlanned
    ? `Today's reminders were planned before and are not sent again; the next go out ${when}.`
    : `The next reminders go out ${when}.`;
}

function inNumber(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
