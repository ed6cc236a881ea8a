import { type CommandLine, runCommandLine } from "../cli/command-line.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { Keys } from "../platform/keys.ts";
import { systemRandom } from "../platform/random.ts";

/** The result of a command: its exit code and its output. */
export interface CommandOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export type TestCommandLine = (...words: string[]) => Promise<CommandOutcome>;

/** The command line as the account omar uses it, on this database. */
export function createTestCommandLine({
  db,
  keys,
  clock,
}: {
  readonly db: Database;
  readonly keys: Keys;
  readonly clock: Clock;
}): TestCommandLine {
  return (...words) =>
    runTestCommand({
      words,
      environment: { PUBLIC_URL: "https://fusion.example" },
      clock,
      random: systemRandom,
      connection: { db, keys: () => keys, close: async () => undefined },
    });
}

/** Runs one command as omar, with these options. */
export async function runTestCommand(
  options: Omit<CommandLine, "account" | "out" | "err">,
): Promise<CommandOutcome> {
  const said = { out: "", err: "" };
  const code = await runCommandLine({
    ...options,
    account: "omar",
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
  });
  return { code, ...said };
}
