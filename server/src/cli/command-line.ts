import { Command, CommanderError } from "commander";
import { AccountHolderExists, HolderApplicationNotFound } from "../account-holders/errors.ts";
import { readConfig } from "../config.ts";
import { ChangeUnconfirmed } from "../leases/errors.ts";
import { createNodes } from "../leases/nodes.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { DataFolderUnusable } from "../platform/database/data-folder.ts";
import { DatabaseUnusable } from "../platform/database/database-unusable.ts";
import { DatabaseIsNewer, DatabaseIsOlder, MigrationWasEdited } from "../platform/database/migrate.ts";
import { OutcomeUnknown } from "../platform/database/outcome-unknown.ts";
import { EmbeddedPostgresUnavailable } from "../platform/database/postgres-files.ts";
import { followStatements } from "../platform/database/running-statements.ts";
import { DomainError } from "../platform/errors.ts";
import { isConnectionFailure } from "../platform/http/problem.ts";
import { type Random, systemRandom } from "../platform/random.ts";
import { version } from "../platform/version.ts";
import { NotConfirmed, type Run } from "./command-context.ts";
import { type Connection, connect } from "./connect.ts";
import { addHolderCommands } from "./holder-commands.ts";
import { addLimitCommands } from "./limit-commands.ts";
import { addMoneyCommands } from "./money-commands.ts";
import { addOnboardingCommands } from "./onboarding-commands.ts";
import { describeOption, inOptionWords } from "./option-words.ts";
import { createOutput, type Failure, type Streams } from "./output.ts";
import { addResourceServerCommands } from "./resource-server-commands.ts";
import { addTokenCommands } from "./token-commands.ts";

/** The exit codes, by which a script knows how a command ended. */
const exitCodes = {
  done: 0,
  /** Understood and refused: not found, exists already, … */
  refused: 1,
  /** The command line or its values are wrong; nothing was tried. */
  usage: 2,
  /** A setting, the data folder or the database is unusable. */
  unusable: 3,
  /** The answer to a commit was lost: it is done wholly or not at all, and nobody knows which. */
  uncertain: 4,
  /** Done, but it is not certain that every process of the program knows. */
  unconfirmed: 5,
  /** A fault of ours. */
  unexpected: 70,
  /** It was told to end; what it had not committed by then is not done. */
  stopped: 130,
} as const;

/** Refusals that are `invalid` only because the Fusion API answers them with 400: the command line was right, and was tried. */
const refusals = [AccountHolderExists, HolderApplicationNotFound];

class Stopped extends Error {
  constructor() {
    super("Stopped. Whether it was done is to be looked up.");
  }
}

/** Does the work, or throws {@link Stopped} as soon as it is told to stop; the connection is then closed under the work. */
async function unlessStopped(stop: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
  if (!stop) return work();
  const stopped = Promise.withResolvers<never>();
  const end = (): void => stopped.reject(new Stopped());
  stop.addEventListener("abort", end, { once: true });
  if (stop.aborted) end();
  try {
    await Promise.race([stopped.promise, stop.aborted ? undefined : work()]);
  } finally {
    stop.removeEventListener("abort", end);
  }
}

export interface CommandLine extends Streams {
  /** The words after the program's own name. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The account that runs it, for the audit trail. */
  readonly account: string;
  /** Aborts when the person or the machine ends the command, or nobody reads its output any more. */
  readonly stop?: AbortSignal;
  /** Asks the person at the terminal, where there is one. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Tests bring their own. */
  readonly connection?: Connection;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Runs one command of the operator's command line and returns its exit code. Writes results to `out` and everything else to `err`; never a
 * stack trace. Every change is audited under the account.
 */
export async function runCommandLine(line: CommandLine): Promise<number> {
  const json = line.words.includes("--json");
  const output = createOutput(line, json);
  const running: { command?: Command } = {};
  const confirm = async (sentence: string): Promise<void> => {
    if (!line.ask || json || running.command?.opts().yes) return;
    const answer = await line.ask(`${sentence} Go on? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmed();
  };
  const run: Run = async (work) => {
    const read = readConfig(line.environment);
    if (read.faults) throw new SettingsWrong(read.faults);
    const { config } = read;
    const connection =
      line.connection ??
      (await connect(config, () =>
        output.note(`There was no database in ${config.dataFolder}; an empty one is made now.`),
      ));
    const statements = followStatements(connection.db.pool);
    try {
      await unlessStopped(line.stop, () =>
        work({
          db: connection.db,
          keys: connection.keys,
          clock: line.clock ?? systemClock,
          random: line.random ?? systemRandom,
          nodes: createNodes({ db: connection.db, clock: systemClock }),
          publicUrl: config.publicUrl,
          principal: { kind: "cli", account: line.account },
          output,
          confirm,
        }),
      );
    } catch (error) {
      // Closing waits for what runs, which may take long.
      if (error instanceof Stopped) await statements.cancel();
      throw error;
    } finally {
      statements.leave();
      // What was done is done and has been reported, even if closing fails.
      await connection
        .close()
        .catch((error: Error) => output.note(`The database was not left in order: ${error.message}`));
    }
  };
  const program = buildProgram(line, run, json);
  program.hook("preAction", (_program, command) => {
    running.command = command;
  });
  try {
    await program.parseAsync(["node", "fusion", ...line.words]);
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      // The person asked for help or the version. Anything else that commander reports is wrong usage.
      if (error.exitCode === 0) return exitCodes.done;
      // A group without a command has shown its help already.
      const shown = error.code === "commander.help";
      if (shown && !json) return exitCodes.usage;
      const message = shown ? "a command is missing" : error.message.replace(/^error: /, "");
      output.failure({ code: "usage", message });
      if (!json) line.err("Run it with --help to see what it takes.\n");
      return exitCodes.usage;
    }
    const failure = describe(error, running.command);
    output.failure(failure);
    return failure.exitCode;
  }
}

/** Settings that the server would not start with either. */
class SettingsWrong extends Error {
  constructor(faults: readonly { variable: string; fault: string }[]) {
    super(
      `${faults.length === 1 ? "A setting is" : `${faults.length} settings are`} wrong: ${faults
        .map(({ variable, fault }) => `${variable} ${fault}`)
        .join("; ")}.`,
    );
  }
}

function describe(error: unknown, command: Command | undefined): Failure & { readonly exitCode: number } {
  if (error instanceof OutcomeUnknown)
    return {
      code: "outcome_unknown",
      message:
        "It is not certain whether this was done: the database went away. Look before you run it again.",
      exitCode: exitCodes.uncertain,
    };
  if (error instanceof ChangeUnconfirmed)
    return {
      code: error.code,
      message:
        "This is done, but it is not certain that every process knows of it yet. Run the same command again, which waits for that and changes nothing more.",
      facts: error.extensions,
      exitCode: exitCodes.unconfirmed,
    };
  if (error instanceof DomainError) {
    return {
      code: error.code,
      message: inOptionWords(error, command),
      exitCode:
        error.kind === "invalid" && !refusals.some((kind) => error instanceof kind)
          ? exitCodes.usage
          : exitCodes.refused,
    };
  }
  const { message } = error as Error;
  if (error instanceof Stopped) return { code: "stopped", message, exitCode: exitCodes.stopped };
  if (error instanceof NotConfirmed) return { code: "not_confirmed", message, exitCode: exitCodes.refused };
  if (error instanceof SettingsWrong)
    return { code: "settings_wrong", message, exitCode: exitCodes.unusable };
  if (error instanceof DatabaseIsOlder)
    return {
      code: "database_unusable",
      message:
        "The database is of an older release than this command line. Start the server of this release, which brings it up to date, or use the command line of the release that runs.",
      exitCode: exitCodes.unusable,
    };
  const foreseen = [
    DataFolderUnusable,
    DatabaseIsNewer,
    DatabaseUnusable,
    EmbeddedPostgresUnavailable,
    MigrationWasEdited,
  ];
  if (foreseen.some((kind) => error instanceof kind))
    return { code: "database_unusable", message, exitCode: exitCodes.unusable };
  if (isConnectionFailure(error))
    return {
      code: "database_gone",
      message:
        "The database could not be reached or went away. Run the command again; nothing is ever half done.",
      exitCode: exitCodes.unusable,
    };
  return {
    code: "unexpected",
    message: `This should not have happened: ${message}`,
    exitCode: exitCodes.unexpected,
  };
}

function buildProgram(streams: Streams, run: Run, json: boolean): Command {
  const program = new Command("fusion")
    .description(
      "The Fusion team's tool: give banks, fintechs and people access, and see that all is well.\nWorks beside a running server as well as without one; everything it changes is audited.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText(
      "after",
      `
Every command takes --json and then writes one JSON document.
Settings are the server's own environment variables (docs/configuration.md), such as DATA_DIR or DATABASE_URL.

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 settings or database unusable, 4 not certain whether it was done,
5 done but not yet confirmed by every process (run it again), 70 a fault of ours, 130 stopped.

Examples:
  $ fusion ifi create --id 140793 --name "Example Bank"
  $ fusion fintech create --ifi 140793 --name "Acme Pay" --client-id acme-pay
  $ fusion application create --fintech acme-pay --environment sandbox --name "Payouts"
  $ fusion user create --name "Asha Rao" --role fintech_admin --fintech acme-pay --email asha@example.com
  $ fusion tokens list --status expiring`,
    );
  for (const add of [
    addOnboardingCommands,
    addTokenCommands,
    addResourceServerCommands,
    addHolderCommands,
    addMoneyCommands,
    addLimitCommands,
  ])
    add(program, run);
  for (const group of program.commands) {
    for (const command of group.commands) command.option("--json", "write one JSON document");
    for (const each of [group, ...group.commands]) settle(each, streams, json);
  }
  // `--json` is accepted before the command's name as well: it is looked for among all words.
  program.option("--json", "write one JSON document");
  settle(program, streams, json);
  return program;
}

/** Errors are thrown and texts go where the caller wants them. */
function settle(command: Command, streams: Streams, json: boolean): void {
  command
    .exitOverride()
    .allowExcessArguments(false)
    .configureHelp({ optionDescription: describeOption })
    .configureOutput({
      writeOut: streams.out,
      writeErr: json ? () => undefined : streams.err,
      // Reported once, by whoever catches it.
      outputError: () => undefined,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    });
}
