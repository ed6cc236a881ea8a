import { Environment } from "@fusion/contract/primitives.ts";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommandLinePrincipal } from "../access/principal.ts";
import { getFintech } from "../fintechs/find-fintech.ts";
import type { Nodes } from "../leases/nodes.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import type { Random } from "../platform/random.ts";
import type { Output } from "./output.ts";

/** What a command works with. */
export interface CommandContext {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodes: Nodes;
  /** Made when they are first needed: most commands need none. */
  readonly keys: () => Keys;
  /** An origin without a slash at its end. */
  readonly publicUrl: string;
  readonly principal: CommandLinePrincipal;
  readonly output: Output;
  /**
   * Asks before something that cannot be taken back: on a terminal, unless `--yes` or `--json` was given, it says what would be done and
   * waits for the answer. Throws {@link NotConfirmed}.
   */
  readonly confirm: (sentence: string) => Promise<void>;
}

/** The person at the terminal did not say yes. */
export class NotConfirmed extends Error {
  constructor() {
    super("Nothing was changed.");
  }
}

/** For a command that asks with `confirm`. */
export function asking(command: Command): Command {
  return command.option("--yes", "do not ask, on a terminal");
}

/** Runs a command's work with a connection that is closed afterwards. */
export type Run = (work: (context: CommandContext) => Promise<void>) => Promise<void>;

/** Adds a group's commands to the program. */
export type AddCommands = (program: Command, run: Run) => void;

/** A parser for an option whose value must match a pattern; the message continues "…: ". */
export function formed(pattern: RegExp, sentence: string): (text: string) => string {
  return (text) => {
    if (!pattern.test(text)) throw new InvalidArgumentError(sentence);
    return text;
  };
}

export const applicationId = formed(/^app_[0-9A-Za-z]{1,40}$/, "An application id looks like app_4fTz….");
export const tokenId = formed(/^tok_[0-9A-Za-z]{1,40}$/, "A token id looks like tok_4fTz….");
export const userId = formed(/^usr_[0-9A-Za-z]{1,40}$/, "A user id looks like usr_4fTz….");
export const wholeNumber = (text: string): number => {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
};

export const fintechOption = (): Option =>
  new Option("--fintech <id>", "the fintech: its id (a UUID) or its client id").makeOptionMandatory();
export const environmentOption = (): Option =>
  new Option("--environment <environment>", "sandbox or live")
    .choices(Environment.options)
    .makeOptionMandatory();

/** The tenant that `--fintech` and `--environment` name. Throws `not_found`. */
export async function tenantOf(
  { db }: CommandContext,
  { fintech, environment }: { fintech: string; environment: Environment },
): Promise<Tenant> {
  const { ifiId, fintechId } = await db.transaction(systemScope, (tx) => getFintech(tx, fintech));
  return { ifiId, fintechId, environment };
}

/** For an option that may be given several times. */
export function collect(value: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ fusion ${line}`).join("\n")}`);
}
