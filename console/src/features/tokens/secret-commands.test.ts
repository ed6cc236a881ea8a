import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { curlCommand } from "./env-file.ts";
import { commandAskingForToken } from "./secret-commands.ts";

const connection = {
  baseUrl: "http://127.0.0.1:8080/api/v1/ifi/140793",
  environment: "sandbox" as const,
  tokenId: "tok_1",
};

describe("the command that asks for the token", () => {
  const command = commandAskingForToken(connection, ["admin"]);

  test("makes the same call as the one that reads the file, and needs no file", () => {
    const call = curlCommand(connection, ["admin"]).split("\n").slice(1);
    expect(command.split("\n").slice(1)).toEqual(call);
    expect(command).not.toContain(".env");
  });

  test("takes the next line as the token, though it is given to the shell all at once", () => {
    const input = `curl() { echo "$4"; }\n${command}\nfus_test_secret\n`;
    expect(execFileSync("bash", { input, encoding: "utf8" })).toBe("X-Zeta-AuthToken: fus_test_secret\n");
  });
});
