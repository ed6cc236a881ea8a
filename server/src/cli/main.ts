import { userInfo } from "node:os";
import { runCommandLine } from "./command-line.ts";

// The entry of `fusion`: reads the arguments and the environment.

process.exitCode = await runCommandLine({
  words: process.argv.slice(2),
  environment: process.env,
  account: accountName(),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});

/** An account without an entry in the machine's list (a bare number in a container) is named by its number. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
