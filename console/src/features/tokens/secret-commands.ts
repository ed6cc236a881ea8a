import { curlCommand } from "./env-file.ts";

/** Where the command to try takes the token from: what was copied, or the file that was downloaded. */
export type TokenSource = "copied" | "file";

/**
 * A first call to try, for whoever has copied the token: the shell asks for it and does not show it, so it stays out of the history, too. The
 * call hangs on to the question: a shell that is given both lines at once would else take the second for the answer.
 */
export function commandAskingForToken(...[connection, scopes]: Parameters<typeof curlCommand>): string {
  const [, ...call] = curlCommand(connection, scopes).split("\n");
  return ["read -rs FUSION_TOKEN &&", ...call].join("\n");
}
