import { curlCommand } from "./env-file.ts";

/** Where the command to try takes the token from: the clipboard, or the downloaded file. */
export type TokenSource = "copied" | "file";

/**
 * A first call to try for somebody who has copied the token. The shell prompts for it and does not show it, so it stays out of the history
 * too. `&&` joins the call to the prompt: a shell given both lines at once would otherwise read the second one as the answer.
 */
export function commandAskingForToken(...[connection, scopes]: Parameters<typeof curlCommand>): string {
  const [, ...call] = curlCommand(connection, scopes).split("\n");
  return ["read -rs FUSION_TOKEN &&", ...call].join("\n");
}
